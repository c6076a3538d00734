"""The moment by which the request at hand must be answered, whoever asks.

It is kept in a context variable rather than handed on, because it must reach the sockets, and between a view and a
socket stands the Elasticsearch client, which hands nothing on. Each thread of a worker has a context of its own.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_deadline: Final = ContextVar("deadline", default=math.inf)


def remaining() -> float:
    """Return the seconds that are left: 0 once there are none, ``math.inf`` where there is no deadline."""
    return max(0.0, _deadline.get() - time.monotonic())


def begin(seconds: float, *, since: float | None = None) -> None:
    """Give what this thread does from now on ``seconds``, until `end` or the next `begin`.

    Args:
        seconds: How long it may take.
        since: The moment that they count from, on the monotonic clock; now if left out.
    """
    _deadline.set((time.monotonic() if since is None else since) + seconds)


def end() -> None:
    """Forget the deadline: the thread goes on to other things."""
    _deadline.set(math.inf)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give what is done inside ``seconds``, or as long as it had already if that is less."""
    token = _deadline.set(min(_deadline.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)
