"""The connections that a worker waits for: each for one event, for a limited time, and all within limited memory."""

import math
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.server.connection import Connection

TICK: Final = 1.0
"""Seconds between two looks at the clock, and so how exact the time of a wait is."""

Then = Callable[[Connection], None]


@dataclass(slots=True)
class Wait:
    """What a connection is waited for.

    Attributes:
        then: What is done at the event.
        until: When it is not waited for any more, on the monotonic clock.
        otherwise: What is done then.
        held: Bytes that are kept for the caller meanwhile.
    """

    then: Then
    until: float
    otherwise: Then
    held: int = 0


class WaitingRoom:
    """The connections that a worker waits for, in the order in which they began to wait.

    Args:
        poller: Tells of events, and calls what it was given with them.
        drop: Ends a connection for which there is no room.
        room: Bytes that may be kept for all of them together.
    """

    def __init__(self, poller: selectors.BaseSelector, drop: Then, room: int) -> None:
        self._poller = poller
        self._drop = drop
        self._room = room
        self._held = 0
        self._waits: dict[Connection, Wait] = {}

    def wait(self, connection: Connection, event: int, then: Then, seconds: float, otherwise: Then) -> None:
        """Wait so many seconds for an event on a connection."""
        self._waits[connection] = Wait(then, time.monotonic() + seconds, otherwise)
        self._poller.register(connection.raw, event, lambda _raw: self._call(connection))
        self.hold(connection)

    def hold(self, connection: Connection, until: float = math.inf) -> None:
        """Count anew what is kept for a caller, who is waited for until then at most.

        If it is too much for all, drop who has waited longest for some.
        """
        wait = self._waits[connection]
        wait.until = min(wait.until, until)
        self._held += connection.weight - wait.held
        wait.held = connection.weight
        while self._held > self._room:
            self._send_away(next(waiting for waiting, wait in self._waits.items() if wait.held))

    def leave(self, connection: Connection) -> None:
        """Wait for a connection no more."""
        self._held -= self._waits.pop(connection).held
        self._poller.unregister(connection.raw)

    def make_room(self) -> None:
        """Drop who has waited longest, if anybody does: of many idle callers none keeps a new one out."""
        if self._waits:
            self._send_away(next(iter(self._waits)))

    def look_at_the_clock(self) -> None:
        """Do what is to be done for those whose time is over."""
        now = time.monotonic()
        for connection, wait in list(self._waits.items()):
            if wait.until <= now and connection in self._waits:
                self.leave(connection)
                wait.otherwise(connection)

    def hurry(self, seconds: float) -> None:
        """Wait no longer than so many seconds for those who have not begun to ask for anything."""
        until = time.monotonic() + seconds
        for connection, wait in self._waits.items():
            if not connection.has_begun:
                wait.until = min(wait.until, until)

    def _call(self, connection: Connection) -> None:
        # Of several events at a time, one may have dropped the connection of another.
        if connection in self._waits:
            self._waits[connection].then(connection)

    def _send_away(self, connection: Connection) -> None:
        self.leave(connection)
        self._drop(connection)
