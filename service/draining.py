"""A shutdown in which readiness fails first, so that balancers look away before the listener closes.

Gunicorn closes its listener the moment it gets SIGTERM, and connections that a balancer still sends are refused.
With a delay, the master first tells its workers, whose ``/readyz`` then fails, and stops that much later.
"""

import mmap
import os
import signal
import threading
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


def delay_sigterm(seconds: float) -> None:
    """From now on begin draining at the first SIGTERM and hand it on ``seconds`` later; a second one goes at once.

    Call it in the main thread of gunicorn's master, after gunicorn has set its own handlers.
    """
    stop = signal.getsignal(signal.SIGTERM)

    def drain(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, stop)
        begin()
        timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, drain)
