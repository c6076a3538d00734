"""A real HTTP proxy in front of Elasticsearch that can hold a reply back, change it, lose it, or make one up."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

WRITES: Final = ("/_doc/", "/_create/", "/_update/", "/_bulk")


class Exchange:
    """A request on its way to Elasticsearch, and the answer on its way back."""

    def __init__(self, method: str, path: str, send: Callable[[], urllib3.BaseHTTPResponse]) -> None:
        self.method = method
        self.path = path
        self.status = 0
        self.body = b""
        self.lost = False
        self._send = send

    @property
    def is_read(self) -> bool:
        """Whether it gets one document or several."""
        return (self.method == "GET" and "/_doc/" in self.path) or self.path.endswith("/_mget")

    @property
    def is_write(self) -> bool:
        """Whether it writes documents."""
        return self.method in ("PUT", "POST", "DELETE") and any(part in self.path for part in WRITES)

    def forward(self) -> None:
        """Send the request to Elasticsearch, once, and take its answer."""
        answer = self._send()
        self.status, self.body = answer.status, answer.data

    def answer(self, status: int, body: Any) -> None:
        """Answer in Elasticsearch's place, or in place of what it answered."""
        self.status, self.body = status, json.dumps(body).encode()

    def lose(self) -> None:
        """Close the connection instead of answering."""
        self.lost = True


class Proxy:
    """What every request does is up to ``handle``, called in the thread of its connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.reset()

    def reset(self) -> None:
        """Forward everything from now on."""
        self.handle: Callable[[Exchange], None] = Exchange.forward


@contextlib.contextmanager
def proxy_to(target: str) -> Iterator[Proxy]:
    """Give a proxy to the Elasticsearch at ``target`` on a free port of 127.0.0.1."""
    pool = urllib3.PoolManager(retries=False, maxsize=64, timeout=30.0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            exchange = Exchange(
                self.command,
                urlsplit(self.path).path,
                lambda: pool.request(self.command, f"{target}{self.path}", body=sent, headers=headers),
            )
            proxy.handle(exchange)
            if exchange.lost:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(exchange.status)
            self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=9")
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Length", str(len(exchange.body)))
            self.end_headers()
            self.wfile.write(exchange.body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = relay  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        pool.clear()
