"""What the server knows of a request before the application sees it: since when it waits, and whether it is let in.

The worker of gunicorn says it and the application asks, in the same thread; a context variable lies between them
because gunicorn hands nothing of the kind on.
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final


class Refusal(Enum):
    """Why a request is answered without anything being done."""

    BUSY = auto()
    """More requests wait than the worker may let wait."""

    LATE = auto()
    """It has not arrived as a whole within the time for a request."""

    OVERDUE = auto()
    """It has waited for its turn until its time was over."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a request came in.

    ``since`` is the moment of its first byte, on the monotonic clock; ``refusal`` is None for one that is let in.
    """

    since: float = field(default_factory=time.monotonic)
    refusal: Refusal | None = None


PATIENCE: Final = r"[1-9][0-9]{0,3}(\.[0-9]{1,3})?|0\.(0{0,2}[1-9]|0?[1-9][0-9]|[1-9][0-9]{2})"
"""How a caller may write how many seconds it waits: from 0.001 to 9999.999. Every tool reads such an expression."""

_at_hand: Final[ContextVar[Arrival | None]] = ContextVar("arrival", default=None)


def tell(arrival: Arrival) -> None:
    """Say how the request came in that this thread turns to now."""
    _at_hand.set(arrival)


def at_hand() -> Arrival:
    """Return how the request at hand came in: just now, under a server that does not say."""
    return _at_hand.get() or Arrival()
