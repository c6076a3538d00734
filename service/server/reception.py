"""What a worker does with its connections: from one request to the next, and in the end to parting.

All of it happens in the worker's main thread and none of it waits, but for the requests themselves. Each is served in a
thread; those that would only wait there for each other are served in the main thread too, as tasks.
"""

import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from gunicorn import util  # type: ignore[import-untyped]  # gunicorn has no type hints

from service import metrics
from service.admission import Refusal
from service.server.connection import READ_SIZE, Connection
from service.server.loop import MainLoop
from service.server.waiting import Then, WaitingRoom
from service.tasks import Task

PARTING: Final = 2.0
"""Seconds that a caller has to hang up once it has its last answer, or to ask for it when the service stops."""


Finish = Callable[[Connection, bool], None]
"""Goes on with a connection whose request has been served, told whether another may follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a worker bounds.

    Attributes:
        arrival: Seconds within which a request must be there, and have its turn, from its first byte.
        waiting: Requests that may wait for a thread.
        body: Bytes of a body, as the application has it.
        held: Bytes that are kept for slow callers, for all of them together.
        gathered: How requests begin that gather: they wait for each other, and for nothing but by `service.tasks`. They
            are served in the main thread.
    """

    arrival: float
    waiting: int
    body: int
    held: int = 32 * 1024 * 1024
    gathered: tuple[bytes, ...] = ()


class Reception:
    """The connections of a worker.

    Args:
        limits: What is bounded.
        idle: Seconds that a connection is kept without a request, or for an answer that is not taken.
        threads: How many of them ``pool`` has.
        pool: Where requests are served.
        poller: Tells of what happens on connections.
        loop: Has the main thread do something soon, and runs what shares that thread.
        serve: Serves the request of a connection, and says whether another may follow it.

    Attributes:
        present: How many connections there are.
        busy: How many requests are being served or wait for a thread.
        room: The connections that are waited for.
    """

    def __init__(  # noqa: PLR0913 - all of it comes from gunicorn's worker, which is to know nothing of the rest
        self,
        limits: Limits,
        *,
        idle: float,
        threads: int,
        pool: ThreadPoolExecutor,
        poller: selectors.BaseSelector,
        loop: MainLoop,
        serve: Callable[[Connection], bool],
    ) -> None:
        self.present = 0
        self.busy = 0
        self.room = WaitingRoom(poller, self._send_away, limits.held)
        self._limits = limits
        self._loop = loop
        self._serve = serve
        self._is_closing = False
        self._idle = idle
        self._threads = threads
        self._free = threads
        self._pool = pool
        # Who waits for a thread, in the order of arrival, and what calls off that it is given up.
        self._queue: dict[Connection, Callable[[], None]] = {}
        # For what is answered at once, whatever the other threads wait for.
        self._reserve = ThreadPoolExecutor(1)

    def let_in(self, connection: Connection) -> None:
        """Receive a new connection."""
        self.present += 1
        self._wait_for_request(connection)

    def close(self) -> None:
        """Let every answer from now on be the last, and wait for those who ask for nothing no longer than for parting.

        They may be asking right now, on a connection that they were promised to be kept.
        """
        self._is_closing = True
        self.room.hurry(PARTING)

    def leave(self) -> None:
        """Wait for nothing any more."""
        self._pool.shutdown(wait=False)
        self._reserve.shutdown(wait=False)

    # From connection to request.

    def _wait_for_request(self, connection: Connection) -> None:
        """Wait for a request to begin, or to go on."""
        if connection.has_begun:
            seconds = connection.due(self._limits.arrival) - time.monotonic()
            self.room.wait(connection, selectors.EVENT_READ, self._read, seconds, self._refuse_late)
        else:
            seconds = PARTING if self._is_closing else self._idle
            self.room.wait(connection, selectors.EVENT_READ, self._read, seconds, self._hang_up)

    def _read(self, connection: Connection) -> None:
        """Take what has arrived, and see whether it is a request."""
        had_begun = connection.has_begun
        is_open = connection.take()
        if not is_open:
            self.room.leave(connection)
            if connection.has_begun and connection.can_go_on:
                connection.cut()
                self._submit(connection)
            else:
                self._hang_up(connection)
        elif connection.is_whole():
            self.room.leave(connection)
            self._submit(connection)
        elif had_begun:
            self.room.hold(connection, connection.due(self._limits.arrival))
        else:
            self.room.leave(connection)
            self._wait_for_request(connection)

    def _submit(self, connection: Connection) -> None:
        """Hand a request to a thread, or have it refused if too many wait for one."""
        if connection.is_a_look:
            self._have_served(connection, self._reserve, self._finish)
        elif self.busy >= self._threads + self._limits.waiting:
            self._refuse(connection, Refusal.BUSY)
        else:
            self.busy += 1
            if connection.begins_with(self._limits.gathered):
                connection.is_taken = True
                # Not at once: the others that have come at the same time are to be taken in first.
                self._loop.call(Task.begin, self._loop, self._serve_in_task, connection)
            elif self._free:
                self._free -= 1
                self._have_served(connection, self._pool, self._finish_in_thread)
            else:
                self._queue[connection] = self._loop.call_in(
                    connection.due(self._limits.arrival) - time.monotonic(),
                    partial(self._give_up, connection),
                )

    def _give_up(self, connection: Connection) -> None:
        """Refuse a request whose turn has not come in time."""
        del self._queue[connection]
        self.busy -= 1
        self._refuse(connection, Refusal.OVERDUE)

    def _refuse(self, connection: Connection, refusal: Refusal) -> None:
        """Have the application refuse a request."""
        connection.arrival = replace(connection.arrival, refusal=refusal)
        self._have_served(connection, self._reserve, self._finish)

    def _send_away(self, connection: Connection) -> None:
        """End a connection for which there is no room; who has asked for something is told that it was not done."""
        if connection.extent.has_head and not connection.is_taken:
            connection.cut()
            self._refuse(connection, Refusal.BUSY)
        else:
            self._hang_up(connection)

    def _refuse_late(self, connection: Connection) -> None:
        """Answer a request that is not there in time."""
        connection.cut()
        if connection.extent.has_head:
            self._refuse(connection, Refusal.LATE)
        else:
            metrics.REFUSED.labels("late").inc()
            util.write_error(connection, 408, "Request Timeout", "")
            self._pass_on(connection, self._part)

    def _have_served(self, connection: Connection, pool: ThreadPoolExecutor, then: Finish) -> None:
        connection.is_taken = True
        pool.submit(self._serve_in_thread, connection, then)

    def _serve_in_thread(self, connection: Connection, then: Finish) -> None:
        goes_on = False
        try:
            goes_on = self._serve(connection)
        finally:
            self._loop.call(then, connection, goes_on)

    def _serve_in_task(self, connection: Connection) -> None:
        self._finish_turn(connection, self._serve(connection))

    # From answer to the next request.

    def _finish_in_thread(self, connection: Connection, goes_on: bool) -> None:  # noqa: FBT001 - passed on by position
        """Give the thread to whoever waits for one, and go on with the connection whose request it has served."""
        if self._queue:
            following = next(iter(self._queue))
            call_off = self._queue.pop(following)
            call_off()
            self._have_served(following, self._pool, self._finish_in_thread)
        else:
            self._free += 1
        self._finish_turn(connection, goes_on)

    def _finish_turn(self, connection: Connection, goes_on: bool) -> None:  # noqa: FBT001 - passed on by position
        """Go on with a connection whose request has been served in its turn."""
        self.busy -= 1
        self._finish(connection, goes_on)

    def _finish(self, connection: Connection, goes_on: bool) -> None:  # noqa: FBT001 - passed on by position
        """Go on with a connection whose request has been served."""
        self._pass_on(connection, self._turn_to_next if goes_on and connection.can_go_on else self._part)

    def _pass_on(self, connection: Connection, then: Then) -> None:
        """Pass on what the caller has not taken of an answer yet, as it takes it."""
        if connection.is_answered:
            then(connection)
            return

        def write(_connection: Connection) -> None:
            connection.flush()
            if connection.is_answered:
                self.room.leave(connection)
                then(connection)

        self.room.wait(connection, selectors.EVENT_WRITE, write, self._idle, self._hang_up)

    def _turn_to_next(self, connection: Connection) -> None:
        """Turn to the request that comes next, which may be there already."""
        connection.turn_to_next()
        if connection.has_begun and connection.is_whole():
            self._submit(connection)
        else:
            self._wait_for_request(connection)

    def _part(self, connection: Connection) -> None:
        """Let the caller hang up first.

        To close a connection on which something has not been read resets it, and the reset can overtake the answer.

        Source: RFC 9112, section 9.6.
        """
        try:
            connection.raw.shutdown(socket.SHUT_WR)
        except OSError:
            self._hang_up(connection)
            return

        def throw_away(_connection: Connection) -> None:
            try:
                is_over = not connection.raw.recv(READ_SIZE)
            except BlockingIOError:
                is_over = False
            except OSError:
                is_over = True
            if is_over:
                self.room.leave(connection)
                self._hang_up(connection)

        self.room.wait(connection, selectors.EVENT_READ, throw_away, PARTING, self._hang_up)

    def _hang_up(self, connection: Connection) -> None:
        """End a connection that nobody waits for."""
        self.present -= 1
        connection.raw.close()
