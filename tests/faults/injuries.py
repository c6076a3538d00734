"""What can happen to an exchange, as handlers of `tests.faults.tcp_proxy.TcpProxy`."""

import itertools
from collections.abc import Callable
from typing import Final

from tests.faults.tcp_proxy import Exchange, Handler

Kind = Callable[[Exchange], bool]
"""Which exchanges something happens to."""

ORIGIN: Final = b"HTTP/1.1 "


def writes(exchange: Exchange) -> bool:
    """Choose what writes documents to Elasticsearch."""
    return exchange.is_write


def reads(exchange: Exchange) -> bool:
    """Choose what gets documents from Elasticsearch."""
    return exchange.is_read


def posts(exchange: Exchange) -> bool:
    """Choose what asks the service for an increment."""
    return exchange.method == "POST"


def on_every(nth: int, injury: Handler, *, of: Kind) -> Handler:
    """Return what does something to every so many-th exchange of a kind, and forwards all others."""
    counts = itertools.count(1)

    def handle(exchange: Exchange) -> None:
        if of(exchange) and next(counts) % nth == 0:
            injury(exchange)
        else:
            exchange.forward()

    return handle


def on_all(injury: Handler, *, of: Kind) -> Handler:
    """Return what does something to every exchange of a kind, and forwards all others."""
    return on_every(1, injury, of=of)


def lose_reply(exchange: Exchange) -> None:
    """Let the request be carried out, read the reply, and break the connection off."""
    exchange.forward()
    exchange.reset()


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


class Cutter:
    """Cuts replies, each after one byte more than the one before, from none at all to all but the last.

    Attributes:
        is_armed: Whether the next exchange of the kind is to be cut; it and all others are forwarded.
        is_through: Whether a reply was no longer than the next cut, so that it came whole.
    """

    def __init__(self, of: Kind) -> None:
        self._of = of
        self._after = 0
        self.is_armed = False
        self.is_through = False

    @property
    def cuts(self) -> int:
        """How many replies have been cut."""
        return self._after

    def __call__(self, exchange: Exchange) -> None:
        """Forward, and cut the reply if it is this one's turn."""
        exchange.forward()
        if self.is_armed and self._of(exchange):
            self.is_armed = False
            self.is_through = self._after >= len(exchange.reply)
            if not self.is_through:
                exchange.cut(self._after)
                self._after += 1
