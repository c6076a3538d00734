"""Headers, methods and queries that an operation does not take, and the id that every request has."""

import re

import pytest

from service.strategies import STRATEGIES
from tests.api import Api
from tests.endpoints import ALL, LISTS, SINGLES, Endpoint
from tests.problems import problem_in
from tests.wire import Wire

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

PATHS = {
    **{f"/{strategy}/a": "OPTIONS, POST" for strategy in STRATEGIES},
    **{f"/{strategy}": "OPTIONS, POST" for strategy in STRATEGIES},
    "/counters/a": "DELETE, GET, HEAD, OPTIONS, PUT",
    "/counters": "GET, HEAD, OPTIONS",
    "/healthz": "GET, HEAD, OPTIONS",
    "/readyz": "GET, HEAD, OPTIONS",
    "/openapi.yaml": "GET, HEAD, OPTIONS",
    "/docs": "GET, HEAD, OPTIONS",
    "/": "GET, HEAD, OPTIONS",
    "/web/page.js": "GET, HEAD, OPTIONS",
}

OTHER_METHODS = [
    (method, path)
    for path, taken in PATHS.items()
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW")
    if method not in taken.split(", ")
]


@pytest.mark.parametrize(("method", "path"), OTHER_METHODS)
@pytest.mark.usefixtures("kept_counter")
def test_says_which_methods_a_path_takes(wire: Wire, method: str, path: str) -> None:
    """A method that the path does not take is a 405 that names those it does, TRACE included."""
    answer = wire.ask(path, method=method)

    assert PATHS[path] == in_order(answer.headers["allow"])
    if method == "HEAD":
        assert (405, b"") == (answer.status_code, answer.content)
    else:
        problem_in(answer, 405, "method-not-allowed")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.usefixtures("kept_counter")
def test_answers_options(wire: Wire, path: str) -> None:
    """OPTIONS names the methods of a path and does nothing."""
    answer = wire.ask(path, method="OPTIONS")

    assert (200, PATHS[path]) == (answer.status_code, in_order(answer.headers["allow"]))


@pytest.mark.parametrize(
    "path",
    ["/counters/{id}", "/counters", "/healthz", "/readyz", "/openapi.yaml", "/docs", "/", "/web/page.js"],
)
def test_answers_head_as_get_without_the_body(wire: Wire, kept_counter: str, path: str) -> None:
    """HEAD has the status and the headers of GET, and no body that the next answer could be mistaken for."""
    target = path.replace("{id}", kept_counter)

    head = wire.ask(target, method="HEAD")
    got = wire.ask(target, method="GET")

    varying = {"date", "x-request-id"}
    assert {**head.headers, **dict.fromkeys(varying)} == {**got.headers, **dict.fromkeys(varying)}
    assert (200, 200) == (head.status_code, got.status_code)


def test_heads_to_what_is_not_there(wire: Wire, counter_id: str) -> None:
    """HEAD says that there is no counter."""
    answer = wire.ask(f"/counters/{counter_id}", method="HEAD")

    assert (404, "application/problem+json") == (answer.status_code, answer.headers["content-type"])


KEY = "0192f0c1-0000-7000-8000-000000000000"


@pytest.mark.parametrize("endpoint", [*SINGLES.values(), *LISTS.values()], ids=[*SINGLES, *LISTS])
@pytest.mark.parametrize(
    "key",
    [
        "a",
        "",
        '""',
        "\u00e9",
        "k" * 4000,
        "0192f0c1-0000-4000-8000-000000000000",
        "0192f0c1-0000-7000-c000-000000000000",
        "0192f0c1000070008000000000000000",
        "{0192f0c1-0000-7000-8000-000000000000}",
        f'"{KEY}',
        f"{KEY}, {KEY}",
        f'"{KEY}";a=1',
        f"{KEY}-1",
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
    ],
)
def test_refuses_idempotency_keys(api: Api, kept_counter: str, endpoint: Endpoint, key: str) -> None:
    """What is no UUIDv7, two at once, or one from the future, is refused rather than ignored."""
    answer = api.post(
        endpoint.path_for(kept_counter),
        data=endpoint.body_with("1", kept_counter),
        headers={"Content-Type": "application/json", "Idempotency-Key": key.encode()},
    )

    assert ["Idempotency-Key"] == list(problem_in(answer, 422, "invalid-request")["errors"])


@pytest.mark.parametrize("header", ["SCRIPT_NAME", "Script-Name", "PATH_INFO"])
@pytest.mark.parametrize("value", ["/public", "/zz", ""])
def test_callers_do_not_say_where_the_service_is(wire: Wire, header: str, value: str) -> None:
    """A path means itself, whatever a header makes of it: a proxy's rules on paths would be no rules."""
    answer = wire.ask("/public/counters", f"{header}: {value}", method="GET")

    assert answer.status_code in {400, 404}


@pytest.mark.parametrize("endpoint", ALL.values(), ids=ALL)
@pytest.mark.parametrize("query", ["by=5", "by=5&by=6", "value=1", "a", "%FF=%FE", "%00", "=1"])
def test_refuses_queries(api: Api, kept_counter: str, endpoint: Endpoint, query: str) -> None:
    """An amount in the query, where nobody looks for it, is a 422 rather than an increment by 1."""
    answer = api.request(
        endpoint.method,
        f"{endpoint.path_for(kept_counter)}?{query}",
        data=endpoint.body_with("1", kept_counter),
        headers={"Content-Type": "application/json"},
    )

    assert problem_in(answer, 422, "invalid-request")["errors"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_refuses_queries_without_a_body(api: Api, kept_counter: str, method: str) -> None:
    """Neither reading nor deleting a counter takes a query."""
    answer = api.request(method, f"/counters/{kept_counter}?force=true")

    assert ["force"] == list(problem_in(answer, 422, "invalid-request")["errors"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=1.0", "limit"),
        ("limit=1_0", "limit"),
        ("limit=+1", "limit"),
        ("limit=%201", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=ten", "limit"),
        (f"limit={'9' * 4000}", "limit"),
        ("limit=1&limit=2", "limit"),
        ("prefix=a&prefix=b", "prefix"),
        ("prefix=*", "prefix"),
        ("prefix=a%00", "prefix"),
        ("prefix=a%0A", "prefix"),
        (f"prefix={'a' * 129}", "prefix"),
        ("after=a,b", "after"),
        ("after=%FF", "after"),
        ("offset=1", "offset"),
    ],
)
def test_refuses_queries_for_lists(api: Api, query: str, field: str) -> None:
    """A list takes three parameters, each once and of a strict form."""
    answer = api.get(f"/counters?{query}")

    assert [field] == list(problem_in(answer, 422, "invalid-request")["errors"])


@pytest.mark.parametrize("path", ["/healthz", "/counters/a", "/nowhere", "/counters?limit=0"])
@pytest.mark.parametrize("given", ["a", "A.b_c:d/e+f=g-9", "x" * 128])
def test_keeps_the_callers_request_id(wire: Wire, path: str, given: str) -> None:
    """A caller's request id comes back with every answer, an error included."""
    answer = wire.ask(path, f"X-Request-Id: {given}", method="GET")

    assert given == answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/healthz", "/counters/a", "/nowhere", "/counters?limit=0"])
@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["X-Request-Id:"],
        ["X-Request-Id: " + "x" * 129],
        ["X-Request-Id: a b"],
        ["X-Request-Id: \xff\xe9"],
        ['X-Request-Id: a"b'],
        ["X-Request-Id: a%0D%0ASet-Cookie:b"],
        ["X-Request-Id: a", "X-Request-Id: b"],
    ],
    ids=repr,
)
def test_makes_a_request_id(wire: Wire, path: str, headers: list[str]) -> None:
    """A request without an id, or with one that does not belong in a log, gets a new one."""
    answer = wire.ask(path, *headers, method="GET")

    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize(
    "headers",
    [
        ["Authorization: Bearer any"],
        ["Authorization:"],
        ["Authorization: Bearer"],
        ["Authorization: \xe9"],
        ["Authorization: Basic \xe9"],
        ["Authorization: Bearer a", "Authorization: Bearer b"],
    ],
    ids=repr,
)
def test_does_not_look_for_tokens_where_there_are_none(
    wire: Wire, counter_id: str, headers: list[str]
) -> None:
    """A service that has been told no tokens lets everybody in, whatever they say of who they are."""
    answer = wire.ask(f"/occ/{counter_id}", *headers)

    assert (200, 1) == (answer.status_code, answer.json()["value"])


def in_order(allow: str) -> str:
    """Return the methods in an Allow header, sorted."""
    return ", ".join(sorted(allow.split(", ")))
