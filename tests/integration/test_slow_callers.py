"""Callers who send or take their bytes one by one, many more of them than the service has threads."""

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from localnode.serving import Service
from tests.api import Api
from tests.problems import problem_in
from tests.scraping import scrape
from tests.starting import Start
from tests.wire import Wire, request

CROWD = 200

FEW_THREADS = {"WORKERS": "1", "THREADS": "2"}

JSON = "Content-Type: application/json"

LARGE = "/docs/swagger-ui-bundle.js"
"""What is answered with far more bytes than lie in the buffers of a connection."""


@pytest.fixture
def patient(start: Start) -> Service:
    """A service with two threads, which gives a request more time than a test takes."""
    return start({**FEW_THREADS, "REQUEST_TIMEOUT": "250", "GRACEFUL_TIMEOUT": "260"})


@pytest.fixture
def hasty(start: Start) -> Service:
    """A service with two threads, which gives a request a second."""
    return start({**FEW_THREADS, "REQUEST_TIMEOUT": "1", "ELASTICSEARCH_TIMEOUT": "1"})


def connected(url: str, buffer: int | None = None) -> socket.socket:
    """Return a connection, with a buffer of so many bytes for what it receives."""
    address = urlsplit(url)
    caller = socket.socket()
    caller.settimeout(60)
    if buffer:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    caller.connect((address.hostname, address.port))
    return caller


@contextlib.contextmanager
def crowd(url: str, said: bytes, *, size: int = CROWD) -> Iterator[list[socket.socket]]:
    """Give as many connections on each of which the same has been said, and nothing is read."""
    with contextlib.ExitStack() as stack:
        callers = [stack.enter_context(connected(url, buffer=4096)) for _ in range(size)]
        for caller in callers:
            caller.sendall(said)
        yield callers


def answer_to(caller: socket.socket) -> bytes:
    """Return all that comes until the connection ends."""
    with caller.makefile("rb") as file:
        return file.read()


SLOW = {
    "a request line": b"POST /scri",
    "headers": request("/scripted/slow")[:-2] + b"X-Slow: ",
    "a body": request("/scripted/slow", JSON, "Content-Length: 9") + b'{"by',
    "chunks": request("/scripted/slow", JSON, "Transfer-Encoding: chunked") + b'4\r\n{"by',
    "nothing": b"",
    "no end": request(LARGE, method="GET"),
    "no goodbye": request("/healthz", "Connection: close", method="GET"),
}
"""What callers say who then neither go on nor take what they are answered."""


@pytest.mark.parametrize("said", SLOW.values(), ids=SLOW)
def test_others_are_served(patient: Service, counter_id: str, said: bytes) -> None:
    """A hundred times as many slow callers as there are threads keep nobody else waiting."""
    with crowd(patient.url, said) as callers, Api(patient.url) as api:
        for caller in callers[: CROWD // 2]:
            caller.sendall(said[-1:] if said else b"P")
        answers = [api.post(f"/scripted/{counter_id}").status_code for _ in range(20)]

    assert [200] * 20 == answers


@pytest.mark.parametrize("headers", [["Content-Length: 9"], ["Transfer-Encoding: chunked"]])
def test_a_body_that_takes_too_long_is_refused(hasty: Service, counter_id: str, headers: list[str]) -> None:
    """Its sender is told so and the connection is closed; nothing has been applied."""
    with Wire(hasty.url) as wire:
        wire.send(request(f"/scripted/{counter_id}", JSON, *headers) + b'4\r\n{"by')

        problem_in(wire.receive(), 408, "request-timeout")
        assert wire.is_over()
    with Api(hasty.url) as api:
        assert 404 == api.get(f"/counters/{counter_id}").status_code


@pytest.mark.parametrize("said", [b"P", b"POST /scripted/a HTTP/1.1\r\nHost: "])
def test_a_head_that_takes_too_long_is_refused(hasty: Service, said: bytes) -> None:
    """What is no request yet is answered as what is none: barely, and the connection is closed. It is counted."""
    with Wire(hasty.url) as wire:
        wire.send(said)
        answer = wire.receive()

        assert (408, "close") == (answer.status_code, answer.headers["connection"])
        assert wire.is_over()
    with Api(hasty.url) as api:
        assert 1.0 == scrape(api).total("http_requests_refused_total", reason="late")


def test_bytes_that_keep_coming_buy_no_time(hasty: Service) -> None:
    """A request has its time from its first byte on, however alive its sender seems to be."""
    with Wire(hasty.url) as wire, connected(hasty.url) as caller:
        caller.settimeout(0.1)
        answered = b""
        while not answered:
            wire.send(b"a")
            caller.sendall(b"a")
            with contextlib.suppress(TimeoutError):
                answered = caller.recv(1)

        assert 408 == wire.receive().status_code


def test_a_slow_reader_gets_everything(patient: Service) -> None:
    """Who takes an answer in small pieces gets all of it, and then the answer to what was asked next."""
    with Api(patient.url) as api:
        expected = api.get(LARGE).content
    following = request("/healthz", "Connection: close", method="GET")
    with crowd(patient.url, request(LARGE, method="GET") + following, size=1) as [caller]:
        answer, _, health = answer_to(caller).partition(b"\r\n\r\n")[2].partition(b"HTTP/1.1 200 OK")

    assert expected == answer
    assert health.endswith(b'{"status":"alive"}\n')


def test_slow_readers_share_a_bounded_memory(patient: Service) -> None:
    """When too much is kept for them, those who have read nothing for longest are cut off, and others are not."""
    with Api(patient.url) as api:
        size = len(api.get(LARGE).content)
    with crowd(patient.url, request(LARGE, "Connection: close", method="GET"), size=60) as callers:
        with Api(patient.url) as api:
            assert 200 == api.get("/readyz").status_code
        taken = []
        for caller in reversed(callers):
            try:
                taken.append(len(answer_to(caller)) >= size)
            except ConnectionResetError:
                taken.append(False)

    assert any(taken)
    assert not all(taken)


def test_idle_callers_keep_nobody_out(start: Start, counter_id: str) -> None:
    """When there is no room for another connection, who has said nothing for longest makes room."""
    service = start({**FEW_THREADS, "GUNICORN_CMD_ARGS": "--worker-connections 20"})
    with crowd(service.url, b"") as callers, Api(service.url) as api:
        answer = api.post(f"/scripted/{counter_id}")
        callers[0].settimeout(60)
        first_heard = callers[0].recv(1)

    assert 200 == answer.status_code
    assert b"" == first_heard
