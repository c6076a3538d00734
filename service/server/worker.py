"""The worker of gunicorn that serves the application: threads for requests that are there, none for slow callers.

Gunicorn's own threaded worker reads a request and writes its answer in the thread that serves it. As many callers as
there are threads, each sending a byte now and then or taking no answer, keep everybody else out for as long as they
like; it also queues requests without a limit, and waits in its main thread for callers to hang up. Here the main
thread gathers requests and passes on answers, for all connections at once. A request gets a thread when it is there
as a whole, in its turn, unless too many wait already.
"""

import errno
import resource
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from gunicorn import util  # type: ignore[import-untyped]  # gunicorn has no type hints
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # likewise

from service import admission, draining
from service.admission import Refusal
from service.server.connection import READ_SIZE, Connection
from service.server.waiting import TICK, WaitingRoom

PARTING: Final = 2.0
"""Seconds that a caller has to hang up once it has its last answer, or to ask for it when the service stops."""

SETTLING: Final = 0.5
"""Seconds in which connections that are just being made get through to a service that stops."""

SPARE_DESCRIPTORS: Final = 256
"""Files and sockets of a process besides its connections, more than it has."""

ACCEPTED_AT_ONCE: Final = 64
NO_DESCRIPTOR_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE})
NOBODY_THERE: Final = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a worker bounds.

    Attributes:
        arrival: Seconds within which a request must be there, from its first byte.
        waiting: Requests that may wait for a thread.
        body: Bytes of a body, as the application has it.
        held: Bytes that are kept for slow callers, for all of them together.
    """

    arrival: float
    waiting: int
    body: int
    held: int = 32 * 1024 * 1024


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no type hints
    """A threaded worker whose connections are all waited for in its main thread."""

    alive: bool
    limits: Limits

    @classmethod
    def within(cls, limits: Limits) -> type[Self]:
        """Return the class of workers with these limits, for gunicorn to make workers of."""
        return type(cls.__name__, (cls,), {"limits": limits})

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse what this worker does not speak, before it is taken for a caller that speaks no HTTP."""
        super().check_config(cfg, log)
        if cfg.is_ssl or cfg.proxy_protocol != "off" or cfg.protocol != "http":
            raise RuntimeError(
                "This worker speaks plain HTTP: neither TLS nor the PROXY protocol nor uWSGI's."
                " Leave them to a proxy, or choose another --worker-class."
            )

    # From start to stop.

    def init_process(self) -> None:
        """Prepare the process, and run."""
        self.allow_descriptors()
        super().init_process()

    def allow_descriptors(self) -> None:
        """Have the kernel allow as many connections as gunicorn does, and as many to Elasticsearch, if it may."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 2 * self.worker_connections + SPARE_DESCRIPTORS
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    def run(self) -> None:
        """Serve until told to stop, then until nobody is there any more."""
        self.busy = 0
        self.room = WaitingRoom(self.poller, self.hang_up, self.limits.held)
        # For what is answered at once, whatever the other threads wait for.
        self.reserve = ThreadPoolExecutor(1)
        self.poller.register(
            self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks
        )
        self.set_accept_enabled(True)
        while self.alive and self.is_parent_alive():
            self.turn()
        self.alive = False
        self.stop_accepting()
        patience = time.monotonic() + self.cfg.graceful_timeout
        while self.nr_conns and time.monotonic() < patience:
            self.turn()
        self.tpool.shutdown(wait=False)
        self.reserve.shutdown(wait=False)

    def turn(self, timeout: float = TICK) -> None:
        """Do what there is to do, waiting for it up to ``timeout`` seconds."""
        self.notify()
        self.wait_for_and_dispatch_events(timeout)
        self.room.look_at_the_clock()

    def stop_accepting(self) -> None:
        """Close the listener; where nobody else is left to accept, not before everybody who has knocked is let in.

        The kernel resets the connections that nobody has accepted when a listener is closed. If the service as a whole
        stops, the master has seen to it that no more are made; see `service.draining`.
        """
        settled = time.monotonic() + (SETTLING if draining.has_begun() else 0.0)
        while time.monotonic() < settled:
            self.turn(SETTLING / 5)
        for listener in self.sockets:
            self.accept(listener)
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        # A caller may be sending its next request right now: it is answered, as the connection's last.
        self.room.hurry(PARTING)

    # From connection to request, in the main thread.

    def accept(self, listener: Any) -> None:
        """Let in who has knocked."""
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                raw, client = listener.accept()
            except OSError as error:
                if error.errno in NO_DESCRIPTOR_LEFT:
                    self.room.make_room()
                elif error.errno not in NOBODY_THERE:
                    raise
                return
            self.nr_conns += 1
            self.wait_for_request(Connection(self.cfg, raw, client, listener.getsockname(), self.limits.body))
            if self.nr_conns > self.worker_connections:
                self.room.make_room()

    def wait_for_request(self, connection: Connection) -> None:
        """Wait for a request to begin, or to go on."""
        if connection.has_begun:
            seconds = connection.arrival.since + self.limits.arrival - time.monotonic()
            self.room.wait(connection, selectors.EVENT_READ, self.read, seconds, self.refuse_late)
        else:
            seconds = self.cfg.keepalive if self.alive else PARTING
            self.room.wait(connection, selectors.EVENT_READ, self.read, seconds, self.hang_up)

    def read(self, connection: Connection) -> None:
        """Take what has arrived, and see whether it is a request."""
        had_begun = connection.has_begun
        is_open = connection.take()
        if not is_open:
            self.room.leave(connection)
            if connection.has_begun and connection.can_go_on:
                connection.cut()
                self.submit(connection)
            else:
                self.hang_up(connection)
        elif connection.is_whole():
            self.room.leave(connection)
            self.submit(connection)
        elif had_begun:
            self.room.hold(connection)
        else:
            self.room.leave(connection)
            self.wait_for_request(connection)

    def submit(self, connection: Connection) -> None:
        """Hand a request to a thread, or have it refused if too many wait for one."""
        if connection.is_liveness_probe:
            self.serve(connection, self.reserve, self.finish_request)
        elif self.busy >= self.cfg.threads + self.limits.waiting:
            self.refuse(connection, Refusal.BUSY)
        else:
            self.busy += 1
            self.serve(connection, self.tpool, self.finish_turn)

    def refuse(self, connection: Connection, refusal: Refusal) -> None:
        """Have the application refuse a request."""
        connection.arrival = replace(connection.arrival, refusal=refusal)
        self.serve(connection, self.reserve, self.finish_request)

    def refuse_late(self, connection: Connection) -> None:
        """Answer a request that is not there in time."""
        connection.cut()
        if connection.extent.has_head:
            self.refuse(connection, Refusal.LATE)
        else:
            util.write_error(connection, 408, "Request Timeout", "")
            self.pass_on(connection, self.part)

    def serve(
        self,
        connection: Connection,
        threads: ThreadPoolExecutor,
        then: Callable[[Connection, "Future[bool]"], None],
    ) -> None:
        """Have a request served by one of the threads."""
        served = threads.submit(self.handle, connection)
        served.add_done_callback(lambda done: self.method_queue.defer(then, connection, done))

    # From request to answer, in a thread of its own.

    def handle(self, conn: Connection) -> bool:
        """Serve a request and say whether another may follow it."""
        admission.tell(conn.arrival)
        try:
            return bool(super().handle(conn))
        finally:
            conn.flush()

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """Serve a request that has been parsed."""
        if draining.has_begun() or not conn.can_go_on:
            req.force_close()
        return bool(super().handle_request(req, conn))

    # From answer to the next request, in the main thread again.

    def finish_turn(self, conn: Connection, fs: "Future[bool]") -> None:
        """Go on with a connection whose request has been served in its turn."""
        self.busy -= 1
        self.finish_request(conn, fs)

    def finish_request(self, conn: Connection, fs: "Future[bool]") -> None:
        """Go on with a connection whose request has been served."""
        goes_on = not fs.exception() and fs.result() and conn.can_go_on
        self.pass_on(conn, self.turn_to_next if goes_on else self.part)

    def pass_on(self, connection: Connection, then: Callable[[Connection], None]) -> None:
        """Pass on what the caller has not taken of an answer yet, as it takes it."""
        if connection.is_answered:
            then(connection)
            return

        def write(_connection: Connection) -> None:
            connection.flush()
            if connection.is_answered:
                self.room.leave(connection)
                then(connection)

        self.room.wait(connection, selectors.EVENT_WRITE, write, self.cfg.keepalive, self.hang_up)

    def turn_to_next(self, connection: Connection) -> None:
        """Turn to the request that comes next, which may be there already."""
        connection.turn_to_next()
        if connection.has_begun and connection.is_whole():
            self.submit(connection)
        else:
            self.wait_for_request(connection)

    def part(self, connection: Connection) -> None:
        """Let the caller hang up first.

        To close a connection on which something has not been read resets it, and the reset can overtake the answer.

        Source: RFC 9112, section 9.6.
        """
        try:
            connection.raw.shutdown(socket.SHUT_WR)
        except OSError:
            self.hang_up(connection)
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
                self.hang_up(connection)

        self.room.wait(connection, selectors.EVENT_READ, throw_away, PARTING, self.hang_up)

    def hang_up(self, connection: Connection) -> None:
        """End a connection that nobody waits for."""
        self.nr_conns -= 1
        connection.raw.close()
