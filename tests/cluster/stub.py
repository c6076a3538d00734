"""What stands in for a replica of the service where a test is about the balancer alone."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

GET_READY: Final = "/readyz"


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it arrived at a stub; readiness probes are none."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Stub:
    """A replica that keeps what it hears.

    Attributes:
        address: Host and port.
        is_ready: What it says of itself.
        heard: The requests, in the order in which they came.
        hangs_up: Says of a request, which has been heard, whether to hang up instead of answering.
    """

    def __init__(self) -> None:
        self.is_ready = True
        self.heard: deque[Heard] = deque()
        self.hangs_up: Callable[[Heard], bool] = lambda _: False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.address = f"127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


@contextlib.contextmanager
def stub() -> Iterator[Stub]:
    """Start a stub, give it, and end it."""
    running = Stub()
    running.start()
    try:
        yield running
    finally:
        running.stop()


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            if self.path == GET_READY:
                self._send(200 if stub.is_ready else 503)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            heard = Heard(self.command, self.path, dict(self.headers), body)
            stub.heard.append(heard)
            if stub.hangs_up(heard):
                self.close_connection = True
            else:
                self._send(200)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - http.server names them

        def _send(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
