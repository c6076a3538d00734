"""The line that each request leaves in the log: what it took, what became of it, and nothing that is secret."""

import json
from collections.abc import Iterator
from typing import Any, Final

import psutil
import pytest

from localnode.processes import wait_until
from localnode.serving import Service
from tests.api import Api
from tests.callers import SECRETS, bearer
from tests.conflicts import stale
from tests.proxy import Exchange, Proxy
from tests.starting import Start
from tests.wire import Wire

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
ASTRAY: Final = "c2VjcmV0-went-astray"
MALFORMED: Final = (
    ("GET / HTTP/1.1\r\nAuthorization Bearer {}\r\n\r\n", "InvalidHeader"),
    ("GET /healthz HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nAuthorization Bearer {}\r\n\r\n", "InvalidHeader"),
    ("GET / HTTP/1.1\r\nBearer {}: Authorization\r\n\r\n", "InvalidHeaderName"),
    ("GET / HTTP/1.1\r\nAuthorization: Bearer\r\n {}\r\n\r\n", "ObsoleteFolding"),
    ("GET / HTTP/1.1\r\nAuthorization: Bearer {}", "NoMoreData"),
    ("GET / HTTP/1.1\r\nTransfer-Encoding: {}\r\n\r\n", "UnsupportedTransferCoding"),
    ("GET / Bearer {}\r\n\r\n", "InvalidHTTPVersion"),
    ("Bearer-{} / HTTP/1.1\r\n\r\n", "InvalidRequestMethod"),
    ("{}\r\n\r\n", "InvalidRequestLine"),
)
"""What is no request, and what gunicorn calls that."""


@pytest.fixture
def service(start: Start) -> Service:
    """A service that logs as machines read it."""
    return start({"WORKERS": "1", "LOG_FORMAT": "json", "CONFLICT_MAX_ATTEMPTS": "5"})


@pytest.fixture
def caller(service: Service) -> Iterator[Api]:
    """A client of it."""
    with Api(service.url) as api:
        yield api


def line_of(service: Service, request_id: str) -> dict[str, Any]:
    """Return the line that says how a request was answered, once it is there."""

    def lines() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in service.log.read_text().splitlines() if request_id in line]
        return [line for line in found if line["message"] == "request answered"]

    assert wait_until(lambda: bool(lines()), timeout=60.0)
    [line] = lines()
    return line


def lose(exchange: Exchange) -> None:
    """Elasticsearch does what it is asked, and its answer to a write is lost."""
    exchange.forward()
    if exchange.is_write:
        exchange.lose()


def test_tells_what_it_took_and_what_became_of_it(
    caller: Api, service: Service, proxy: Proxy, counter_id: str
) -> None:
    """Strategy, attempts and outcome stand in the request's own line, whatever became of it."""

    def told(request_id: str, strategy: str) -> tuple[object, ...]:
        caller.post(f"/{strategy}/{counter_id}", headers={"X-Request-Id": request_id})
        line = line_of(service, request_id)
        fields = ("http.response.status_code", "counters.strategy", "counters.attempts", "event.outcome")
        return tuple(line[field] for field in fields)

    assert (200, "naive", 1, "success") == told("alone", "naive")
    proxy.handle = stale(2)
    assert (200, "occ", 3, "success") == told("in-the-end", "occ")
    proxy.handle = stale(1_000)
    assert (409, "scripted", 5, "failure") == told("in-vain", "scripted")
    proxy.handle = lose
    assert (503, "batched", 1, "unknown") == told("nobody-knows", "batched")


def test_tells_which_worker_has_answered(caller: Api, service: Service, counter_id: str) -> None:
    """It is none of the master's doing."""
    caller.post(f"/batched/{counter_id}", headers={"X-Request-Id": "whose"})

    [worker] = psutil.Process(service.process.pid).children()
    assert worker.pid == line_of(service, "whose")["process.pid"]


def test_tells_less_of_other_requests(caller: Api, service: Service, counter_id: str) -> None:
    """One that increments nothing has an outcome, and neither strategy nor attempts."""
    caller.get(f"/counters/{counter_id}", headers={"X-Request-Id": "not-there"})

    line = line_of(service, "not-there")
    assert "failure" == line["event.outcome"]
    assert [] == [name for name in line if name.startswith("counters.")]


def test_tells_why_a_request_was_refused(
    caller: Api, service: Service, proxy: Proxy, counter_id: str
) -> None:
    """Answers of one status are told apart; an answer that is none of a refusal has no such field."""

    def told(request_id: str, method: str, path: str, **options: Any) -> tuple[object, ...]:
        caller.request(method, path, headers={"X-Request-Id": request_id}, **options)
        line = line_of(service, request_id)
        return line["http.response.status_code"], line.get("error.type")

    full = f"/counters/{counter_id}-full"
    assert (201, None) == told("set", "PUT", full, json={"value": 2**63 - 1})
    assert (409, "counter-overflow") == told("over", "POST", f"/occ/{counter_id}-full")
    assert (404, "not-found") == told("astray", "GET", f"/{counter_id}")
    proxy.handle = stale(1_000)
    assert (409, "conflicts-not-resolved") == told("crowded", "POST", f"/occ/{counter_id}")


def test_tells_how_many_of_a_list_came_to_nothing(caller: Api, service: Service, counter_id: str) -> None:
    """A list is answered with 200 whatever becomes of its items."""
    assert 201 == caller.put(f"/counters/{counter_id}", json={"value": 2**63 - 1}).status_code
    items = [{"id": counter_id}, {"id": f"{counter_id}-other"}, {"id": counter_id}]
    caller.post("/scripted", json={"increments": items}, headers={"X-Request-Id": "in-part"})

    line = line_of(service, "in-part")
    assert (200, "failure", 2) == (
        line["http.response.status_code"],
        line["event.outcome"],
        line["counters.failed"],
    )
    assert "counters.unknown" not in line


def test_every_line_of_a_request_has_its_trace(
    caller: Api, service: Service, proxy: Proxy, counter_id: str
) -> None:
    """Also what the storage says of it, so that all of it is found from a trace."""
    headers = {"X-Request-Id": "traced", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    proxy.handle = lose
    caller.post(f"/scripted/{counter_id}", headers=headers)

    line_of(service, "traced")
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if '"traced"' in line]
    assert {"service.api.requests", "service.storage.outcomes"} <= {line["log.logger"] for line in lines}
    assert {TRACE} == {line["trace.id"] for line in lines}


def test_says_nothing_that_is_secret(closed: Service) -> None:
    """Neither tokens nor bodies come into the log, accepted or not."""
    with Api(closed.url) as api:
        for authorization in (bearer("admin"), "Bearer c2VjcmV0LW9mLXNvbWVib2R5", "Basic c2VjcmV0Og=="):
            headers = {"Authorization": authorization, "X-Request-Id": "secretive"}
            api.post("/occ/a", json={"by": 1, "note": "between-us"}, headers=headers)

    assert wait_until(lambda: closed.log.read_text().count('"secretive"') >= 3, timeout=60.0)
    log = closed.log.read_text()
    said = [secret for secret in (*SECRETS.values(), "c2VjcmV0", "between-us") if secret in log]
    assert [] == said


def test_says_nothing_of_what_is_malformed(start: Start) -> None:
    """It may be a token that went astray: log and answer, at any level, have what is wrong and repeat nothing."""
    service = start({"WORKERS": "1", "LOG_LEVEL": "DEBUG"})
    answers = ""
    for head, _ in MALFORMED:
        with Wire(service.url) as wire:
            wire.send(head.format(ASTRAY).encode())
            wire.end()
            answers += wire.rest().decode()

    log = service.log.read_text()
    assert [] == [kind for _, kind in MALFORMED if kind not in log]
    assert ASTRAY not in log
    assert ASTRAY not in answers
