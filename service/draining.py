"""A shutdown in which nobody is cut off: readiness fails first, then nobody new is let in, then what is there is done.

Gunicorn closes its listener the moment it gets SIGTERM. What a balancer still sends is refused then, and what the
kernel has accepted but no worker is reset. So the master first tells its workers, whose ``/readyz`` fails from then
on and whose answers are the last on their connections; some time later it has the kernel take no more connections;
only then it stops, and its workers take and serve those that are there (`service.server.worker`).
"""

import mmap
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

_BEGUN: Final = mmap.mmap(-1, 1)
"""One byte that the master shares with the workers it forks, so this module must be imported before the fork."""


def has_begun() -> bool:
    """Say whether this process, or the master it was forked from, is about to stop."""
    return _BEGUN[0] != 0


def begin() -> None:
    """Make `has_begun` true here and in every process forked from here."""
    _BEGUN[0] = 1


def prepare(seconds: float, let_nobody_in: Callable[[], None]) -> None:
    """From now on begin draining at the first SIGTERM, and stop ``seconds`` later, or at once at the second.

    Call it in the main thread of gunicorn's master, after gunicorn has set its own handlers.

    Args:
        seconds: How long new callers are still served.
        let_nobody_in: Sees to it that from then on no connections are made.
    """
    gunicorns_own = signal.getsignal(signal.SIGTERM)
    master = os.getpid()

    def drain(number: int, frame: FrameType | None) -> None:
        _leave_unless(master)
        signal.signal(signal.SIGTERM, stop)
        begin()
        if not seconds:
            stop(number, frame)
            return
        timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True
        timer.start()

    def stop(number: int, frame: FrameType | None) -> None:
        _leave_unless(master)
        let_nobody_in()
        if callable(gunicorns_own):
            gunicorns_own(number, frame)

    signal.signal(signal.SIGTERM, drain)


def _leave_unless(master: int) -> None:
    """End a worker that has just been forked, and has the master's handlers until gunicorn gives it its own.

    It is told to end; what it shares with the others is not its to end.
    """
    if os.getpid() != master:
        os._exit(0)
