"""Requests as bytes, for what no HTTP library would send."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import parse_headers
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from werkzeug.test import TestResponse


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, with the names that those of ``requests`` have; names of headers are in lower case."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @classmethod
    def of(cls, response: TestResponse) -> Self:
        """Return a response of Flask's test client in this form."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        return cls(response.status_code, headers, response.data)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.content)


class Wire:
    """A connection to the service. No wait on it lasts longer than a minute."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname or "", address.port or 80), timeout=60.0)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are. That the service has hung up meanwhile shows when its answer is read."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def end(self) -> None:
        """Say that nothing more will be sent."""
        self._socket.shutdown(socket.SHUT_WR)

    def receive(self, *, bodiless: bool = False) -> Answer:
        """Return the next answer. One to HEAD is ``bodiless``, whatever its Content-Length says."""
        status = int(self._file.readline().split()[1])
        lines = parse_headers(self._file)
        headers = {name.lower(): ", ".join(lines.get_all(name, [])) for name in lines}
        length = 0 if bodiless else int(headers.get("content-length", "0"))
        return Answer(status, headers, self._file.read(length))

    def ask(self, target: str, *headers: str, method: str = "POST", body: bytes = b"") -> Answer:
        """Send a well-framed request whose target and headers are not touched, and return its answer."""
        self.send(request(target, f"Content-Length: {len(body)}", *headers, method=method) + body)
        return self.receive(bodiless=method == "HEAD")

    def rest(self) -> bytes:
        """Return all that comes until the service hangs up."""
        return self._file.read()

    def is_over(self) -> bool:
        """Wait for what comes next and say whether it is the end of the connection."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True


def request(target: str, *headers: str, method: str = "POST") -> bytes:
    """Return the head of a request, its characters as the bytes of Latin-1."""
    lines = [f"{method} {target} HTTP/1.1", "Host: counters.example", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")
