"""A counter service in a few lines, over real HTTP, that can be told to lie: proof that the verdict sees it."""

import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Lie(StrEnum):
    """What happens to every third increment."""

    NONE = "none"
    LOSES = "acknowledged, not applied"
    DOUBLES = "acknowledged, applied twice"
    UNKNOWN_APPLIED = "503 unknown, applied"
    UNKNOWN_NOT_APPLIED = "503 unknown, not applied"
    BARE_503_APPLIED = "503 without a word on the outcome, applied"
    NOT_APPLIED = "503 not-applied, not applied"
    NOT_APPLIED_YET_APPLIED = "503 not-applied, applied"
    CONFLICT = "409, not applied"
    PROXY_GIVES_UP = "a proxy's bare 408, applied"
    CUTS_REPLY = "applied, connection closed without a reply"
    RESETS = "applied, connection reset without a reply"
    CUTS_BODY = "applied, connection closed inside the reply's body"
    HANGS = "applied, never answered"
    MALFORMED = "applied, 200 with the value as a string"
    WRONG_ID = "applied, 200 for another counter"
    STALE = "applied, answered with the value before it"
    EXCHANGED = "applied, answered with the value of the next one, and that with the value of this one"
    FORGETS_KEYS = "503 unknown, applied, and applied again when it is repeated with its key"
    KEYS_EXPIRE = "503 unknown, applied, and refused when it is repeated with its key"
    UNREADABLE = "applied and acknowledged, but the counter can't be read afterwards"
    WORDLESS = "applied and acknowledged, but the counter is shown without a value"
    STALLS = "from the eleventh increment on, nothing is answered"


UNKNOWN = {"type": "/problems/unavailable", "outcome": "unknown"}
EXPIRED = {"type": "/problems/idempotency-key-expired"}
INVALID = {"type": "/problems/invalid-request"}
NOT_APPLIED = {"type": "/problems/unavailable", "outcome": "not-applied"}
STATUSES: dict[Lie, tuple[HTTPStatus, dict[str, Any]]] = {
    Lie.UNKNOWN_APPLIED: (HTTPStatus.SERVICE_UNAVAILABLE, UNKNOWN),
    Lie.UNKNOWN_NOT_APPLIED: (HTTPStatus.SERVICE_UNAVAILABLE, UNKNOWN),
    Lie.FORGETS_KEYS: (HTTPStatus.SERVICE_UNAVAILABLE, UNKNOWN),
    Lie.KEYS_EXPIRE: (HTTPStatus.SERVICE_UNAVAILABLE, UNKNOWN),
    Lie.BARE_503_APPLIED: (HTTPStatus.SERVICE_UNAVAILABLE, {}),
    Lie.NOT_APPLIED: (HTTPStatus.SERVICE_UNAVAILABLE, NOT_APPLIED),
    Lie.NOT_APPLIED_YET_APPLIED: (HTTPStatus.SERVICE_UNAVAILABLE, NOT_APPLIED),
    Lie.CONFLICT: (HTTPStatus.CONFLICT, {"type": "/problems/conflicts-not-resolved"}),
    Lie.PROXY_GIVES_UP: (HTTPStatus.REQUEST_TIMEOUT, {}),
}
DISTORTIONS: dict[Lie, dict[str, Any]] = {
    Lie.MALFORMED: {"value": "1"},
    Lie.WRONG_ID: {"id": "another"},
}


class LyingService(ThreadingHTTPServer):
    """Holds counters and idempotency keys in memory; each lie is about increments, never about setting to 0."""

    daemon_threads = True

    def __init__(self, lie: Lie = Lie.NONE) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lie = lie
        self.counters: dict[str, int] = {}
        self.keys: dict[tuple[str, str], int] = {}
        """What the counter was right after an increment, by counter and key."""
        self.deleted: list[str] = []
        self.increments = 0
        """Increments received, whatever became of them: what a client that repeats itself can't hide."""
        self.changed = threading.Condition()
        self.closing = threading.Event()
        """From when on no connection is served any more: a service that is gone, except that it keeps its port."""

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def wait_for_increments(self, number: int) -> None:
        """Wait until that many increments have come in."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.increments >= number, timeout=60)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - the base class's
        """Have a new connection closed at once when the service is gone."""
        return not self.closing.is_set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent when a client is gone, which is what some tests are about."""


@contextmanager
def serving(lie: Lie = Lie.NONE) -> Iterator[LyingService]:
    """Serve on a free port of the loopback interface."""
    with LyingService(lie) as service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield service
        finally:
            service.closing.set()
            service.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: LyingService
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one segment: two would wait for each other's delayed ACK

    def do_PUT(self) -> None:
        counter = self.path.removeprefix("/counters/")
        self.server.counters[counter] = self._body()["value"]
        self._reply(HTTPStatus.CREATED, {"id": counter, "value": 0})

    def do_GET(self) -> None:
        counter = self.path.removeprefix("/counters/")
        if self.server.lie is Lie.UNREADABLE and self.server.increments:
            self._reply(HTTPStatus.INTERNAL_SERVER_ERROR, {"title": "broken"})
        elif self.server.lie is Lie.WORDLESS:
            self._reply(HTTPStatus.OK, {"id": counter})
        elif counter in self.server.counters:
            self._reply(HTTPStatus.OK, {"id": counter, "value": self.server.counters[counter]})
        else:
            self._reply(HTTPStatus.NOT_FOUND, {"title": "no such counter"})

    def do_DELETE(self) -> None:
        counter = self.path.removeprefix("/counters/")
        self.server.deleted.append(counter)
        self.server.counters.pop(counter, None)
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def do_POST(self) -> None:
        _, strategy, counter = self.path.split("/")
        by = self._body().get("by", 1)
        key = self.headers.get("Idempotency-Key")
        if key is not None and strategy == "naive":
            self._reply(HTTPStatus.UNPROCESSABLE_ENTITY, INVALID)
            return
        with self.server.changed:
            self.server.increments += 1
            number = self.server.increments
            self.server.changed.notify_all()
            is_turn = number > 10 if self.server.lie is Lie.STALLS else number % 3 == 0
            lie = self.server.lie if is_turn else Lie.NONE
            known = self.server.keys.get((counter, str(key)))
            if known is None:
                self.server.counters[counter] += by * _times_applied(lie)
            value = self.server.counters[counter] if known is None else known
            if key is not None and _times_applied(lie) and self.server.lie is not Lie.FORGETS_KEYS:
                self.server.keys[counter, key] = value
            value += by * _misquoted(self.server.lie, number)
        honest = {
            "id": counter, "value": value, "by": by, "strategy": strategy, "attempts": 1, "conflicts": 0,
        }  # fmt: skip
        if known is not None and self.server.lie is Lie.KEYS_EXPIRE:
            self._reply(HTTPStatus.CONFLICT, EXPIRED)
        else:
            self._answer(lie, honest)

    def _answer(self, lie: Lie, honest: dict[str, Any]) -> None:
        if lie in STATUSES:
            self._reply(*STATUSES[lie])
        elif lie in {Lie.CUTS_REPLY, Lie.CUTS_BODY, Lie.RESETS, Lie.HANGS, Lie.STALLS}:
            self.close_connection = True
            self._break_off(lie, honest)
        else:
            self._reply(HTTPStatus.OK, honest | DISTORTIONS.get(lie, {}))

    def _break_off(self, lie: Lie, honest: dict[str, Any]) -> None:
        if lie is Lie.CUTS_BODY:
            self._reply(HTTPStatus.OK, honest, missing=20)
        elif lie is Lie.RESETS:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        elif lie in {Lie.HANGS, Lie.STALLS}:
            self.server.closing.wait()

    def _body(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return document

    def _reply(self, status: HTTPStatus, document: dict[str, Any], *, missing: int = 0) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", f"application/{'problem+json' if 'type' in document else 'json'}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - missing])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stay silent."""


def _misquoted(lie: Lie, number: int) -> int:
    """By how many increments an answer is off, although all are applied."""
    match lie:
        case Lie.STALE if number % 3 == 0:
            return -1
        case Lie.EXCHANGED if number % 3 == 0:
            return 1
        case Lie.EXCHANGED if number % 3 == 1 and number > 1:
            return -1
        case _:
            return 0


def _times_applied(lie: Lie) -> int:
    match lie:
        case Lie.DOUBLES:
            return 2
        case Lie.LOSES | Lie.UNKNOWN_NOT_APPLIED | Lie.NOT_APPLIED | Lie.CONFLICT:
            return 0
        case _:
            return 1
