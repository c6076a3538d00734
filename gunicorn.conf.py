"""How gunicorn serves the service. GUNICORN_CMD_ARGS overrides what stands here."""

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

# Of what is written here all the time, nothing must be on a disk that can stall.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - not for temporary files; those are made in it, safely
in_memory = str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None

# Where the workers write their metrics: afresh at every start, and kept when the settings are read again. That there is
# such a folder must be known before the service is imported, and with it prometheus_client.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
of_this_start = f"es-counters-{os.getpid()}-"
if not Path(os.environ.get(METRICS_FOLDER, "")).name.startswith(of_this_start):
    os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix=of_this_start, dir=in_memory)

    def leave_nothing(master: int) -> None:
        """Leave nothing in memory, also where the start fails; workers, which are forked from here, leave it alone."""
        if os.getpid() == master:
            shutil.rmtree(os.environ[METRICS_FOLDER], ignore_errors=True)

    atexit.register(leave_nothing, os.getpid())

from prometheus_client import multiprocess

from service import draining, logs, reloading, sweeping
from service.app import MAX_BODY
from service.server import listeners
from service.server.own_log import OwnLog
from service.server.reception import Limits
from service.server.worker import PatientWorker
from service.strategies import STRATEGIES
from service.version import __version__

settings = reloading.settings()

wsgi_app = "service.reloading:app()"
bind = f"{settings.bind_address}:{settings.port}"
workers = settings.workers
# Threads, because a request mostly waits for Elasticsearch; and none of them for a slow caller.
worker_class = PatientWorker.within(
    Limits(
        arrival=settings.request_timeout,
        waiting=settings.max_waiting,
        body=MAX_BODY,
        gathered=tuple(f"POST /{name}/".encode() for name, each in STRATEGIES.items() if each.shares_writes),
    )
)
threads = settings.threads
# Connections: those whose requests are served or wait, and as many again and more that are idle.
worker_connections = 2 * (settings.threads + settings.max_waiting) + 1000
# The parser that the worker's framing goes with, also where a faster one is installed.
http_parser = "python"
# No caller says under which path the service is: a proxy's rules on paths would be no rules.
forwarder_headers = ""
# Files go the way of all answers: a thread would have to wait for who reads them slowly.
sendfile = False
keepalive = 75
graceful_timeout = settings.graceful_timeout
# The heartbeat of a worker is a file.
worker_tmp_dir = in_memory
# A socket for gunicornc, by default under the user's home, which a container does not have.
control_socket_disable = True
logger_class = OwnLog
logconfig_dict = logs.configuration(settings)
logs.configure(settings)


def when_ready(server: Any) -> None:
    """Let nobody be cut off at a shutdown."""

    def let_nobody_in() -> None:
        if listeners.are_its_own(server):
            listeners.let_nobody_in(server.LISTENERS)

    listeners.let_everybody_in(server.LISTENERS)
    draining.prepare(settings.drain_delay, let_nobody_in)
    introduce(server)


def on_reload(server: Any) -> None:
    """Say what has come of the settings that were read again, and have the collector look at what was theirs before."""
    gc.unfreeze()
    introduce(server)


def introduce(server: Any) -> None:
    """Leave no doubt of what serves, and whether callers are asked for a token: nobody misses a misspelt setting."""
    names = [token.name for token in settings.access_tokens]
    server.log.info("This is es-counters %s", __version__)
    server.log.info("Let in are: %s", ", ".join(names) if names else "all callers")


def pre_fork(_server: Any, _worker: Any) -> None:
    """Have a worker share the memory that it is forked with: the garbage collector would write to all that it visits.

    What is garbage by now goes first, or it would be left alone, too.

    Source: https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()


def post_worker_init(_worker: Any) -> None:
    """Begin what a worker does beside requests, and have the collector leave alone what lives as long as the worker.

    To visit these 75,000 objects took 45 to 65 ms (Python 3.11), in which the worker served nobody, every few thousand
    increments.
    """
    gc.collect()
    gc.freeze()
    # After the fork, since to remove what deleted counters leave behind takes a connection of its own.
    sweeping.start(settings)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget what a worker was doing when it ended. What it has done still counts."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # untyped there


def on_exit(_server: Any) -> None:
    """Leave nothing in memory, as a daemon too, whose master is not who began to read this."""
    shutil.rmtree(os.environ[METRICS_FOLDER], ignore_errors=True)
