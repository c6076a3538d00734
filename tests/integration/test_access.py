"""Who is let in, and to what: the service with tokens, behind real gunicorn."""

import base64
import uuid
from collections.abc import Iterator
from typing import Final

import pytest
from elasticsearch import Elasticsearch

from localnode.processes import wait_until
from localnode.serving import Service
from service.access import Scope
from service.settings import Settings
from service.strategies import STRATEGIES
from tests.api import Api
from tests.callers import OWN, RIGHTS, SECRETS, TOKENS, bearer
from tests.endpoints import LISTS, SINGLES, Endpoint
from tests.keys import uuid7
from tests.openapi import operations
from tests.problems import problem_in
from tests.wire import Wire, request

PATHS: Final = {name: name.replace("{counter_id}", "a") for name in operations()}
OPEN: Final = ["GET /healthz", "GET /readyz"]
PAGE: Final = ["GET /", "GET /web/page.js"]
CLOSED: Final = sorted(
    {
        *(path for name, path in PATHS.items() if name not in OPEN),
        *("GET /openapi.yaml", "GET /docs", "GET /docs/", "GET /docs/swagger-ui.css", "GET /docs/nothing"),
        "GET /metrics",
        *(
            "POST /",
            "GET /web/",
            "GET /nowhere",
            "GET //",
            "GET //healthz",
            "GET //web/page.js",
            "POST //occ/a",
            "POST /occ/_bulk",
            "GET /%FF",
            "POST /occ/a?by=5",
        ),
        *(
            "PATCH /counters/a",
            "GET /occ/a",
            "TRACE /occ/a",
            "OPTIONS /occ/a",
            "POST /healthz",
            "HEAD /counters/a",
        ),
    }
)

PAGES: Final = ("/docs", "/openapi.yaml")
"""What a browser asks for by itself, and takes a password for."""

SCOPES: Final = {"GET": "read", "HEAD": "read", "POST": "increment", "PUT": "admin", "DELETE": "admin"}

RIGHT_BODIES: Final = {"PUT": b'{"value": 1}', "POST": b'{"increments": [{"id": "a"}]}'}


@pytest.fixture
def gate(closed: Service) -> Iterator[Wire]:
    """A connection to it."""
    with Wire(closed.url) as wire:
        yield wire


@pytest.fixture
def admin(closed: Service) -> Iterator[Api]:
    """A client of it who may do everything."""
    with Api(closed.url) as api:
        api.headers["Authorization"] = bearer("admin")
        yield api


@pytest.fixture
def billing(closed: Service) -> Iterator[Api]:
    """A client of it who may do everything with counters of its own."""
    with Api(closed.url) as api:
        api.headers["Authorization"] = bearer("billing")
        yield api


@pytest.fixture
def own_id() -> str:
    """An id that the latter may use, and no other test does."""
    return f"{OWN}{uuid.uuid4().hex}"


def basic(password: str) -> str:
    """Return the header in which a browser sends a password."""
    return f"Authorization: Basic {base64.b64encode(f'anybody:{password}'.encode()).decode()}"


@pytest.mark.parametrize("call", CLOSED)
def test_lets_nobody_in_without_a_token(gate: Wire, call: str) -> None:
    """Every path and method but those of health is a 401 without a token, be there such a path or not."""
    method, _, path = call.partition(" ")

    answer = gate.ask(path, method=method)

    if method == "HEAD":
        assert (401, b"") == (answer.status_code, answer.content)
    else:
        problem_in(answer, 401, "unauthorized")
    page = ', Basic realm="counters", charset="UTF-8"' if path.startswith(PAGES) else ""
    assert f'Bearer realm="counters"{page}' == answer.headers["www-authenticate"]


@pytest.mark.parametrize("call", [*OPEN, *PAGE])
@pytest.mark.parametrize("headers", [[], ["Authorization: Bearer wrong"], ["Authorization: \xff"]], ids=repr)
def test_tells_of_its_health_to_everybody(gate: Wire, call: str, headers: list[str]) -> None:
    """Balancers, orchestrators and who loads the race page need no token, and a wrong one does not keep them out."""
    answer = gate.ask(call.partition(" ")[2], *headers, method="GET")

    assert 200 == answer.status_code


NO_TOKENS: Final = {
    "a wrong one": ("Bearer d3JvbmcwOndyMG5n", True),
    "none": ("Bearer", True),
    "a blank": ("Bearer ", True),
    "two words": ("Bearer a b", True),
    "a parameter": ("Bearer token=abc", True),
    "a quoted one": (f'Bearer "{SECRETS["admin"]}"', True),
    "two in one": (f"Bearer {SECRETS['admin']}, Bearer {SECRETS['admin']}", True),
    "its beginning": (f"Bearer {SECRETS['admin'][:-1]}", True),
    "its hash": (f"Bearer {TOKENS['admin'].sha256.hex()}", True),
    "beyond ASCII": ("Bearer \xe9\xff", True),
    "a long one": ("Bearer " + "a" * 8000, True),
    "nothing": ("", False),
    "no scheme": (SECRETS["admin"], False),
    "another scheme": (f"Token {SECRETS['admin']}", False),
    "a password": (basic(SECRETS["admin"]).removeprefix("Authorization: "), False),
    "a password beyond ASCII": ("Basic \xe9", False),
    "a scheme beyond ASCII": ("\xe9 a", False),
}


@pytest.mark.parametrize(("authorization", "is_bearer"), NO_TOKENS.values(), ids=NO_TOKENS)
def test_refuses_what_is_no_token(
    gate: Wire, admin: Api, counter_id: str, authorization: str, *, is_bearer: bool
) -> None:
    """Whatever else stands in the header is a 401, which names the token as the reason if that was the attempt."""
    answer = gate.ask(f"/occ/{counter_id}", f"Authorization: {authorization}")

    problem_in(answer, 401, "unauthorized")
    reason = ', error="invalid_token"' if is_bearer else ""
    assert f'Bearer realm="counters"{reason}' == answer.headers["www-authenticate"]
    assert 404 == admin.get(f"/counters/{counter_id}").status_code


@pytest.mark.parametrize("other", [SECRETS["admin"], "wrong"], ids=["the same", "another"])
def test_refuses_two_authorizations(gate: Wire, counter_id: str, other: str) -> None:
    """Two headers are not a choice between two tokens."""
    answer = gate.ask(
        f"/occ/{counter_id}", f"Authorization: {bearer('admin')}", f"Authorization: Bearer {other}"
    )

    problem_in(answer, 401, "unauthorized")


def test_refuses_an_overlong_authorization(gate: Wire, counter_id: str) -> None:
    """A header of 10,000 characters does not even reach the service."""
    answer = gate.ask(f"/occ/{counter_id}", "Authorization: Bearer " + "a" * 10_000)

    assert answer.status_code in {400, 431}
    assert gate.is_over()


def test_takes_the_scheme_in_any_case(gate: Wire, counter_id: str) -> None:
    """The scheme's name is case-insensitive, and may be set off by several blanks (RFC 9110, section 11.1)."""
    for scheme in ("bearer", "BEARER", "Bearer  "):
        answer = gate.ask(f"/occ/{counter_id}", f"Authorization: {scheme} {SECRETS['writer']}")

        assert 200 == answer.status_code


def test_looks_for_a_token_nowhere_else(gate: Wire, counter_id: str) -> None:
    """A token in the query would end up in logs, and is not taken from there."""
    answer = gate.ask(f"/counters/{counter_id}?access_token={SECRETS['admin']}", method="GET")

    problem_in(answer, 401, "unauthorized")


BODIES: Final = {
    "too long": ("Content-Length: 10000000", b""),
    "no JSON": ("Content-Length: 4", b"null"),
    "nested": ("Content-Length: 4000", b"[" * 4000),
    "chunks without an end": ("Transfer-Encoding: chunked", b"no size\r\n"),
}


@pytest.mark.parametrize("endpoint", [*SINGLES.values(), *LISTS.values()], ids=[*SINGLES, *LISTS])
@pytest.mark.parametrize(("framing", "body"), BODIES.values(), ids=BODIES)
def test_looks_at_the_token_before_the_body(
    gate: Wire, counter_id: str, endpoint: Endpoint, framing: str, body: bytes
) -> None:
    """To a stranger the service tells nothing of what it thinks of a body."""
    gate.send(request(endpoint.path_for(counter_id), framing, "Content-Type: application/json") + body)

    problem_in(gate.receive(), 401, "unauthorized")


def test_does_not_take_a_refused_body_for_a_request(gate: Wire, admin: Api, counter_id: str) -> None:
    """What comes with a refused request is no request of its own, not even with a token in it."""
    smuggled = request(f"/occ/{counter_id}", f"Authorization: {bearer('admin')}")

    refused = gate.ask(f"/occ/{counter_id}", body=smuggled)
    following = gate.ask("/healthz", method="GET")

    problem_in(refused, 401, "unauthorized")
    assert (200, {"status": "alive"}) == (following.status_code, following.json())
    assert 404 == admin.get(f"/counters/{counter_id}").status_code


@pytest.mark.parametrize("name", ["reader", "writer", "admin"])
@pytest.mark.parametrize("call", [path for name, path in PATHS.items() if name not in OPEN])
def test_lets_a_token_do_what_its_scopes_say(gate: Wire, call: str, name: str) -> None:
    """A call that takes a scope which the token lacks is a 403 that names it; any other is answered."""
    method, _, path = call.partition(" ")
    body = RIGHT_BODIES.get(method, b"") if path.count("/") == 1 or method == "PUT" else b""
    needed = SCOPES[method]
    allowed = name == "admin" or Scope(needed) in RIGHTS[name][0]

    answer = gate.ask(
        path,
        f"Authorization: {bearer(name)}",
        "Content-Type: application/json",
        method=method,
        body=body,
    )

    if allowed:
        assert answer.status_code in {200, 201, 204, 404}
    else:
        problem_in(answer, 403, "forbidden")
        challenge = f'Bearer realm="counters", error="insufficient_scope", scope="{needed}"'
        assert challenge == answer.headers["www-authenticate"]


def test_tells_who_is_let_in_that_there_is_no_such_path(gate: Wire) -> None:
    """With a token, whichever, what does not exist is a 404."""
    answer = gate.ask("/nowhere", f"Authorization: {bearer('reader')}", method="POST")

    problem_in(answer, 404, "not-found")


def test_tells_who_is_let_in_which_methods_there_are(gate: Wire) -> None:
    """With a token, whichever, a method that the path does not take is a 405."""
    answer = gate.ask("/occ/a", f"Authorization: {bearer('reader')}", method="PATCH")

    problem_in(answer, 405, "method-not-allowed")


@pytest.mark.parametrize("name", [name for name in PATHS if "{counter_id}" in name])
def test_confines_a_token_to_its_prefix(billing: Api, admin: Api, own_id: str, name: str) -> None:
    """A counter of one's own can be used, and another's is a 403, be there such a counter or not."""
    method, _, path = name.partition(" ")
    foreign_id = own_id.removeprefix(OWN)
    admin.put(f"/counters/{own_id}", json={"value": 1})
    body = {"value": 2} if method == "PUT" else None

    own = billing.request(method, path.replace("{counter_id}", own_id), json=body)
    absent = billing.request(method, path.replace("{counter_id}", foreign_id), json=body)
    admin.put(f"/counters/{foreign_id}", json={"value": 1})
    present = billing.request(method, path.replace("{counter_id}", foreign_id), json=body)

    assert own.status_code in {200, 204}
    assert OWN in problem_in(absent, 403, "forbidden")["detail"]
    assert absent.json() == present.json()
    assert 'Bearer realm="counters", error="insufficient_scope"' == present.headers["www-authenticate"]
    assert 1 == admin.value_of(foreign_id)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_refuses_a_list_with_one_foreign_counter(
    billing: Api, admin: Api, own_id: str, counter_id: str, strategy: str
) -> None:
    """A list that names a counter of somebody else is refused as a whole."""
    mixed = [{"id": own_id}, {"id": counter_id}, {"id": own_id}]

    own = billing.post(f"/{strategy}", json={"increments": [{"id": own_id, "by": 5}]})
    refused = billing.post(f"/{strategy}", json={"increments": mixed})

    assert [5] == [item["value"] for item in own.json()["results"]]
    assert OWN in problem_in(refused, 403, "forbidden")["detail"]
    assert 5 == admin.value_of(own_id)
    assert 404 == admin.get(f"/counters/{counter_id}").status_code


def test_lists_only_what_the_token_covers(
    billing: Api, admin: Api, client: Elasticsearch, settings: Settings, own_id: str
) -> None:
    """However a list is asked for, and on every page, no counter is shown that the token does not cover."""
    for counter_id in (f"{own_id}-1", f"{own_id}-2", own_id.removeprefix(OWN), f"{OWN.rstrip('.')}-{own_id}"):
        admin.put(f"/counters/{counter_id}", json={"value": 1})
    client.indices.refresh(index=settings.counters_alias)

    everything = ids_behind(billing, "/counters?limit=1")
    some = ids_behind(billing, f"/counters?limit=1&prefix={own_id}")

    assert {f"{own_id}-1", f"{own_id}-2"} <= set(everything)
    assert [] == [id_ for id_ in everything if not id_.startswith(OWN)]
    assert [f"{own_id}-1", f"{own_id}-2"] == some


@pytest.mark.parametrize("prefix", ["a", "bil", "billing", "Billing."])
def test_does_not_list_beyond_the_token(billing: Api, prefix: str) -> None:
    """A prefix that takes in more than the token covers is a 403: a part would pass for the whole."""
    answer = billing.get(f"/counters?prefix={prefix}")

    problem_in(answer, 403, "forbidden")


def ids_behind(api: Api, path: str) -> list[str]:
    """Return the ids on a page and on all that follow it."""
    found = []
    following: str | None = path
    while following:
        page = api.get(following).json()
        found += [counter["id"] for counter in page["counters"]]
        following = page["next"]
    return found


@pytest.mark.parametrize("strategy", [name for name, strategy in STRATEGIES.items() if strategy.exactly_once])
def test_knows_a_caller_by_name_when_it_repeats(closed: Service, counter_id: str, strategy: str) -> None:
    """An idempotency key is its caller's, whichever token that has by now, and nobody else's."""
    with Api(closed.url) as api:
        key = {"Idempotency-Key": uuid7()}
        first, repeated, foreign = (
            api.post(f"/{strategy}/{counter_id}", headers={**key, "Authorization": bearer(name)})
            for name in ("writer", "writer, renewed", "admin")
        )

    assert [(200, None), (200, "true")] == [
        (answer.status_code, answer.headers.get("Idempotency-Replayed")) for answer in (first, repeated)
    ]
    assert first.json()["value"] == repeated.json()["value"] == 1
    problem_in(foreign, 422, "idempotency-key-reused")


def test_names_the_caller_in_the_log(closed: Service, gate: Wire) -> None:
    """The line of a request says whose token came with it."""
    mark = uuid.uuid4().hex

    gate.ask("/nowhere", f"Authorization: {bearer('reader')}", f"X-Request-Id: {mark}", method="GET")

    def lines() -> list[str]:
        return [line for line in closed.log.read_text().splitlines() if mark in line]

    assert wait_until(lambda: bool(lines()), timeout=60.0)
    [line] = lines()
    assert '"user.name":"reader"' in line


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs/swagger-ui.css", "/openapi.yaml"])
def test_takes_a_token_as_a_pages_password(gate: Wire, path: str) -> None:
    """A browser, which cannot send a token for a page by itself, can ask for it as a password."""
    refused = gate.ask(path, basic("wrong"), method="GET")
    answer = gate.ask(path, basic(SECRETS["reader"]), method="GET")

    problem_in(refused, 401, "unauthorized")
    assert 200 == answer.status_code
