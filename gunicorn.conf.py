"""How gunicorn serves the service. GUNICORN_CMD_ARGS overrides what stands here."""

from pathlib import Path
from typing import Any

from service import draining, reloading, sweeping
from service.logs import configuration

settings = reloading.settings()

wsgi_app = "service.reloading:app()"
bind = f"{settings.bind_address}:{settings.port}"
workers = settings.workers
# Threads, because a request mostly waits for Elasticsearch; and because sync workers have no keep-alive.
worker_class = "gthread"
threads = settings.threads
keepalive = 75
graceful_timeout = settings.graceful_timeout
# The heartbeat of a worker is a file, which must not be on a disk that can stall.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - not for temporary files; gunicorn makes its own there, safely
worker_tmp_dir = str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None
# A socket for gunicornc, by default under the user's home, which a container does not have.
control_socket_disable = True
logconfig_dict = configuration(settings)


def when_ready(_server: Any) -> None:
    """Let readiness fail before the listener closes, if there is a balancer to see it."""
    if settings.drain_delay:
        draining.delay_sigterm(settings.drain_delay)


def post_worker_init(_worker: Any) -> None:
    """Remove what deleted counters leave behind: after the fork, since it takes a connection of its own."""
    sweeping.start(settings)
