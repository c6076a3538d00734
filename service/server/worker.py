"""The worker of gunicorn that serves the application: threads for requests that are there, none for slow callers.

Gunicorn's own threaded worker reads a request and writes its answer in the thread that serves it. As many callers as
there are threads, each sending a byte now and then or taking no answer, keep everybody else out for as long as they
like; it also queues requests without a limit, and waits in its main thread for callers to hang up. Here the main
thread gathers requests and passes on answers, for all connections at once (`service.server.reception`). A request gets
a thread when it is there as a whole, in its turn, unless too many wait already.
"""

import contextlib
import errno
import resource
import selectors
import time
from typing import Any, Final, Self

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # gunicorn has no type hints

from service import admission, draining, metrics
from service.logs import LINES
from service.server.connection import Connection
from service.server.loop import MainLoop
from service.server.reception import PARTING, Limits, Reception
from service.server.waiting import TICK

SETTLING: Final = 0.5
"""Seconds in which connections that are just being made get through to a service that stops."""

SPARE_DESCRIPTORS: Final = 256
"""Files and sockets of a process besides its connections, more than it has."""

ACCEPTED_AT_ONCE: Final = 64
NO_DESCRIPTOR_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE})
NOBODY_THERE: Final = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED})


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
        if (
            cfg.is_ssl
            or cfg.proxy_protocol != "off"
            or cfg.protocol != "http"
            or cfg.http2_cleartext != "off"
        ):
            raise RuntimeError(
                "This worker speaks plain HTTP: neither TLS nor HTTP/2 nor the PROXY protocol nor uWSGI's."
                " Leave them to a proxy, or choose another --worker-class."
            )

    def run(self) -> None:
        """Serve until told to stop, then until nobody is there any more."""
        self.allow_descriptors()
        LINES.gather()
        self.ticked = 0.0
        self.loop = MainLoop(self.poller, wake=lambda: self.method_queue.defer(lambda: None))
        self.reception = Reception(
            self.limits,
            idle=max(self.cfg.keepalive, PARTING),
            threads=self.cfg.threads,
            pool=self.tpool,
            poller=self.poller,
            loop=self.loop,
            serve=self.handle,
        )
        self.poller.register(
            self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks
        )
        self.set_accept_enabled(True)
        while self.alive and self.is_parent_alive():
            self.turn()
        self.alive = False
        self.stop_accepting()
        self.reception.close()
        patience = time.monotonic() + self.cfg.graceful_timeout
        while self.reception.present and time.monotonic() < patience:
            self.turn()
        self.reception.leave()

    def allow_descriptors(self) -> None:
        """Have the kernel allow as many connections as gunicorn does, and as many to Elasticsearch, if it may."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 2 * self.worker_connections + SPARE_DESCRIPTORS
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            # On macOS the hard limit may be more than is allowed.
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    def turn(self, timeout: float = TICK) -> None:
        """Do what there is to do, waiting for it up to ``timeout`` seconds; and from time to time what is due."""
        self.loop.turn(timeout)
        LINES.write_gathered()
        now = time.monotonic()
        if now - self.ticked >= TICK:
            self.ticked = now
            self.notify()
            metrics.IN_FLIGHT.set(self.reception.busy)
            self.reception.room.look_at_the_clock()

    def accept(self, listener: Any) -> bool:
        """Let in who has knocked, many at once; say whether there may be more.

        Whatever the kernel says of one connection, as that it has failed already, the others go on (accept(2)).
        """
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                raw, client = listener.accept()
            except OSError as error:
                if error.errno in NO_DESCRIPTOR_LEFT:
                    self.reception.room.make_room()
                elif error.errno not in NOBODY_THERE:
                    self.log.warning("A connection could not be accepted: %s", error)
                return False
            try:
                connection = Connection(self.cfg, raw, client, listener.getsockname(), self.limits.body)
            except OSError as error:  # on macOS, options cannot be set once the other side has gone
                self.log.debug("A connection has gone: %s", error)
                raw.close()
                continue
            self.reception.let_in(connection)
            if self.reception.present > self.worker_connections:
                self.reception.room.make_room()
        return True

    def stop_accepting(self) -> None:
        """Close the listener; where nobody else is left to accept, not before everybody who has knocked is let in.

        The kernel resets the connections that nobody has accepted when a listener is closed. If the service as a whole
        stops, the master has seen to it that no more are made; see `service.draining`.
        """
        settled = time.monotonic() + (SETTLING if draining.has_begun() else 0.0)
        while time.monotonic() < settled:
            self.turn(SETTLING / 5)
        for listener in self.sockets:
            while self.accept(listener) and draining.has_begun():
                self.turn(0.0)
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()

    # In the threads, and in the tasks of the main thread.

    def handle(self, conn: Connection) -> bool:
        """Serve a request and say whether another may follow it."""
        admission.tell(conn.arrival)
        try:
            return bool(super().handle(conn))
        finally:
            conn.flush()

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:  # noqa: FBT001 - gunicorn's signature
        """Say whether another request may follow. The answer has been given: whatever is wrong, no second one is."""
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except Exception as error:  # noqa: BLE001 - gunicorn would answer it
            self.log.debug("What followed a request was malformed: %s", type(error).__name__)
            return False

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """Serve a request that has been parsed."""
        if draining.has_begun() or not conn.can_go_on:
            req.force_close()
        return bool(super().handle_request(req, conn))
