"""Ids and paths that name no counter, sent as bytes, since HTTP libraries would tidy most of them up."""

import pytest

from service.strategies import STRATEGIES
from tests.api import Api
from tests.problems import problem_in
from tests.wire import Wire

ENDPOINTS = {
    **{strategy: ("POST", f"/{strategy}/") for strategy in STRATEGIES},
    "read": ("GET", "/counters/"),
    "set": ("PUT", "/counters/"),
    "delete": ("DELETE", "/counters/"),
}

NO_IDS = {
    "a dot": ".",
    "two dots": "..",
    "two escaped dots": "%2e%2e",
    "an API of Elasticsearch": "_bulk",
    "the probe of readiness": "_probe",
    "every index": "*",
    "a list": "a,b",
    "a question mark": "a%3Fb",
    "a hash": "a%23b",
    "NUL": "%00",
    "a line break": "a%0D%0Ab",
    "a final line break": "a%0A",
    "a byte that is no UTF-8": "%FF",
    "half a surrogate pair": "%ED%A0%80",
    "a precomposed letter": "%C3%A9",
    "a decomposed letter": "e%CC%81",
    "129 characters": "a" * 129,
    "513 characters": "a" * 513,
    "a final space": "a%20",
    "a slash escaped twice": "a%252Fb",
    "a tag": "<script>",
    "a first hyphen": "-a",
}

UNESCAPED = [
    "",
    ".",
    "..",
    "a/b",
    "_bulk",
    "*",
    "a,b",
    "a?b",
    "a\0",
    "a\r\nb",
    "a\n",
    "\xe9",
    "e\u0301",
    "a" * 129,
    "a ",
]

NO_PATHS = {
    "nothing": "",
    "an escaped slash": "a%2Fb",
    "an escaped way up": "..%2F_cluster%2Fsettings",
    "two slashes": "/a",
    "a final slash": "a/",
    "a way up": "../a",
}


@pytest.mark.parametrize("no_id", NO_IDS.values(), ids=NO_IDS)
@pytest.mark.parametrize(("method", "path"), ENDPOINTS.values(), ids=ENDPOINTS)
@pytest.mark.usefixtures("kept_counter")
def test_refuses_what_is_no_id(wire: Wire, method: str, path: str, no_id: str) -> None:
    """An id that is not allowed is a 400, and Elasticsearch never hears of it."""
    answer = wire.ask(
        f"{path}{no_id}", "Content-Type: application/json", method=method, body=body_for(method)
    )

    problem_in(answer, 400, "bad-request")


@pytest.mark.parametrize("no_path", NO_PATHS.values(), ids=NO_PATHS)
@pytest.mark.parametrize(("method", "path"), ENDPOINTS.values(), ids=ENDPOINTS)
@pytest.mark.usefixtures("kept_counter")
def test_does_not_find_what_is_no_path(wire: Wire, method: str, path: str, no_path: str) -> None:
    """An id with a slash leads to no path, and nothing is redirected to where it might have been meant."""
    answer = wire.ask(
        f"{path}{no_path}", "Content-Type: application/json", method=method, body=body_for(method)
    )

    problem_in(answer, 404, "not-found")


@pytest.mark.parametrize(
    "path",
    ["//", "//occ/a", "/occ//a", "/./occ/a", "/counters/../occ/a", "/occ/../../../etc/passwd", "/OCC/a"],
)
@pytest.mark.usefixtures("kept_counter")
def test_does_not_tidy_up_paths(wire: Wire, path: str) -> None:
    """A path is what it says: neither dots nor further slashes are resolved."""
    answer = wire.ask(path)

    problem_in(answer, 404, "not-found")


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("no_id", [*UNESCAPED, 5, 1.5, None, True, [], {}], ids=repr)
def test_refuses_lists_with_what_is_no_id(api: Api, kept_counter: str, strategy: str, no_id: object) -> None:
    """A list with one id that is not allowed is refused as a whole."""
    answer = api.post(f"/{strategy}", json={"increments": [{"id": kept_counter}, {"id": no_id}]})

    assert ["1"] == list(problem_in(answer, 422, "invalid-request")["errors"]["increments"])


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "longest", ["a" * 128, "A.b_c:d-9", "0"], ids=["128 characters", "every kind", "a digit"]
)
def test_takes_ids_to_the_limit(api: Api, strategy: str, longest: str) -> None:
    """An id may have 128 characters and a few marks, and stands in the answers as it was sent."""
    answer = api.post(f"/{strategy}/{longest}")

    assert (200, longest) == (answer.status_code, answer.json()["id"])
    assert f"/counters/{longest}" == answer.headers["Content-Location"]
    assert 204 == api.delete(f"/counters/{longest}").status_code


def body_for(method: str) -> bytes:
    """Return a body that is right for the method's operation."""
    return b'{"value": 8}' if method == "PUT" else b""
