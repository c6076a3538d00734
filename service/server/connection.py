"""A caller's connection, on which no thread ever waits."""

import contextlib
import socket
from typing import Any, Final

from service.admission import Arrival
from service.server.framing import Extent
from service.server.parser import DiscreetParser

LOOKS: Final = (b"GET /healthz ", b"HEAD /healthz ", b"GET /metrics ")
GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
READ_SIZE: Final = 64 * 1024
"""Bytes that are taken from a socket at a time."""

SEND_BUFFER: Final = 64 * 1024
"""Bytes of an answer that the kernel is to keep for a caller; left to itself it would keep megabytes for each."""

FLUSH_SIZE: Final = 256 * 1024
"""Bytes of an answer from which on the socket is offered what there is, before the rest is made."""


class Connection:
    """What a caller has sent so far, and what it has not taken yet of an answer.

    The worker's main thread fills the one and empties the other as the socket allows. In between, a thread serves a
    request that is there as a whole: gunicorn then takes this for its own connection and for the socket in it, a
    socket that never blocks: it ends where the request does, and swallows any answer.

    Attributes:
        raw: The real socket.
        arrival: How the request at hand came in.
        extent: How far it reaches in what has arrived.
        is_taken: Whether a thread has been asked to answer it.
    """

    # For gunicorn, which has nothing left to find out about it.
    initialized = True
    is_http2 = False

    def __init__(self, cfg: Any, raw: socket.socket, client: Any, server: Any, max_body: int) -> None:
        raw.settimeout(0.0)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.raw = raw
        self.client = client
        self.server = server
        self.sock = self
        self.parser = DiscreetParser(cfg, self, client)
        self.arrival = Arrival()
        self.extent = Extent(max_body)
        self.is_taken = False
        self._max_body = max_body
        self._incoming = bytearray()
        self._read = 0
        self._outgoing = bytearray()
        self._is_broken = False

    @property
    def weight(self) -> int:
        """Bytes that are kept for the caller."""
        return len(self._incoming) + len(self._outgoing)

    @property
    def has_begun(self) -> bool:
        """Whether anything of a request has arrived."""
        return bool(self._incoming)

    @property
    def is_answered(self) -> bool:
        """Whether the caller has taken, or will never take, all of the answer."""
        return self._is_broken or not self._outgoing

    @property
    def can_go_on(self) -> bool:
        """Whether another request can follow the one at hand."""
        return not self._is_broken and not self.extent.is_last

    @property
    def is_a_look(self) -> bool:
        """Whether somebody looks if the process lives or what it does, for which nothing has to be waited."""
        return self.begins_with(LOOKS)

    def begins_with(self, beginnings: tuple[bytes, ...]) -> bool:
        """Say whether the request at hand begins with one of these."""
        return self._incoming.startswith(beginnings)

    def due(self, limit: float) -> float:
        """Return when the request at hand is to be answered, within ``limit`` seconds, on the monotonic clock."""
        return self.arrival.since + min(limit, self.extent.patience)

    # In the main thread.

    def take(self) -> bool:
        """Take what has come, and say whether more may."""
        try:
            data = self.raw.recv(READ_SIZE)
        except BlockingIOError:
            return True
        except OSError:
            self._is_broken = True
            return False
        if not self._incoming:
            self.arrival = Arrival()
        self._incoming += data
        return bool(data)

    def is_whole(self) -> bool:
        """Say whether a request is there as a whole. One that waits to be told to go on is told so."""
        if self.extent.look(self._incoming):
            return True
        if self.extent.waits:
            self.extent.waits = False
            with contextlib.suppress(OSError):
                self.raw.send(GO_ON)
        return False

    def cut(self) -> None:
        """Take what has come for all that will."""
        self.extent.cut(self._incoming)

    def turn_to_next(self) -> None:
        """Forget the request at hand: what has arrived behind it is the next."""
        del self._incoming[: self.extent.end]
        self._read = 0
        self.extent = Extent(self._max_body)
        self.is_taken = False
        self.arrival = Arrival()

    def flush(self) -> None:
        """Give the caller what it takes of the answer, without waiting for it."""
        try:
            if self._outgoing and not self._is_broken:
                del self._outgoing[: self.raw.send(self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self._is_broken = True

    # As what gunicorn takes it for.

    def init(self) -> None:
        """Do nothing: it is ready."""

    def recv(self, size: int) -> bytes:
        """Return the next bytes of the request, none at its end."""
        end = min(self._read + size, self.extent.end)
        data = bytes(self._incoming[self._read : end])
        self._read = end
        return data

    def sendall(self, data: bytes) -> None:
        """Keep a part of the answer, and pass on what is much."""
        self._outgoing += data
        if len(self._outgoing) > FLUSH_SIZE:
            self.flush()

    def send(self, data: bytes) -> int:
        """Drop the interim answer, for which alone gunicorn calls this: the body is there."""
        return len(data)

    def gettimeout(self) -> float:
        """Return 0, for it does not block."""
        return 0.0

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing."""

    def setblocking(self, _flag: bool) -> None:  # noqa: FBT001 - as sockets have it
        """Do nothing."""

    def shutdown(self, _how: int) -> None:
        """End the connection without another byte: the application has failed amid an answer."""
        self._outgoing.clear()
        self._is_broken = True

    def close(self) -> None:
        """Do nothing: the worker closes it."""
