"""What can happen to an exchange, as handlers of `tests.faults.tcp_proxy.TcpProxy`."""

import itertools
import json
import threading
from collections.abc import Callable
from typing import Final

from tests.faults.tcp_proxy import Exchange, Handler

Kind = Callable[[Exchange], bool]
"""Which exchanges something happens to."""

ORIGIN: Final = b"HTTP/1.1 "

BEHIND_CHUNKS: Final = b"\r\n\r\n"
"""What follows the 0 at the end of a reply in chunks, as to bulk requests, and says nothing (RFC 9112, section 7.1)."""


def writes(exchange: Exchange) -> bool:
    """Choose what writes documents to Elasticsearch."""
    return exchange.is_write


def reads(exchange: Exchange) -> bool:
    """Choose what gets documents from Elasticsearch."""
    return exchange.is_read


def posts(exchange: Exchange) -> bool:
    """Choose what asks the service for an increment."""
    return exchange.method == "POST"


class Every:
    """Does something to every so many-th exchange of a kind, and forwards all others.

    Attributes:
        struck: How often it has done that.
    """

    def __init__(self, nth: int, injury: Handler, *, of: Kind) -> None:
        self._nth = nth
        self._injury = injury
        self._of = of
        self._counts = itertools.count(1)
        self.struck = 0

    def __call__(self, exchange: Exchange) -> None:
        """Forward the exchange, or do to it what it is there for."""
        count = next(self._counts) if self._of(exchange) else 0
        if count and count % self._nth == 0:
            self.struck = count // self._nth
            self._injury(exchange)
        else:
            exchange.forward()


def lose_reply(exchange: Exchange) -> None:
    """Let the request be carried out, read the reply, and break the connection off."""
    exchange.forward()
    exchange.reset()


def swallow_reply(exchange: Exchange) -> None:
    """Let the request be carried out, and close the connection in good order without a byte of the reply."""
    exchange.forward()
    exchange.close()


def repeat(exchange: Exchange) -> None:
    """Send the request twice, as an intermediary does that has lost the first reply, and give the second one."""
    exchange.forward()
    exchange.forward()


def rewrite_status(status: int, reason: str) -> Handler:
    """Return what lets the request be carried out and tells of it under a status of a gateway's own."""

    def rewrite(exchange: Exchange) -> None:
        exchange.forward()
        _, line_end, rest = exchange.reply.partition(b"\r\n")
        exchange.reply = ORIGIN + f"{status} {reason}".encode() + line_end + rest

    return rewrite


def halve_reply(exchange: Exchange) -> None:
    """Let the request be carried out, and close the connection in the middle of the reply."""
    exchange.forward()
    exchange.cut(len(exchange.reply) // 2)


def fail_before(status: int, reason: str) -> Handler:
    """Return what answers in Elasticsearch's place, as a node does that cannot take the request: nothing is done."""
    body = json.dumps({"error": {"type": "es_rejected_execution_exception"}, "status": status})
    head = f"{status} {reason}\r\nContent-Type: application/json\r\nX-Elastic-Product: Elasticsearch"

    def fail(exchange: Exchange) -> None:
        exchange.reply = ORIGIN + f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    return fail


class First:
    """Does something to the first exchanges of a kind, and forwards all others."""

    def __init__(self, count: int, injury: Handler, *, of: Kind) -> None:
        self._places = threading.Semaphore(count)
        self._injury = injury
        self._of = of

    def __call__(self, exchange: Exchange) -> None:
        """Forward the exchange, or do to it what it is there for."""
        if self._of(exchange) and self._places.acquire(blocking=False):
            self._injury(exchange)
        else:
            exchange.forward()


class Cutter:
    """Cuts replies, each after one byte more than the one before, from none at all to all but the last of what it says.

    Attributes:
        is_armed: Whether the next exchange of the kind is to be cut; it and all others are forwarded.
        is_through: Whether a reply said all that it had to say before the next cut, so that it came whole.
    """

    def __init__(self, of: Kind) -> None:
        self._of = of
        self._after = 0
        self.is_armed = False
        self.is_through = False

    @property
    def struck(self) -> int:
        """How many replies it has cut."""
        return self._after

    def __call__(self, exchange: Exchange) -> None:
        """Forward, and cut the reply if it is this one's turn."""
        exchange.forward()
        if self.is_armed and self._of(exchange):
            self.is_armed = False
            self.is_through = self._after >= len(exchange.reply.removesuffix(BEHIND_CHUNKS))
            if not self.is_through:
                exchange.cut(self._after)
                self._after += 1
