"""What the request at hand has taken so far: its attempts, its conflicts, and what its increments came to.

Whoever comes by notes it, and in the end all of it is told: to the log, the metrics and the trace. Like the deadline it
is kept in a context variable, for those who note it lie apart: a strategy's retries, the storage, a view.
"""

import time
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

from service.counters import Incremented
from service.errors import CounterError, Outcome


class Effort:
    """The effort of one request.

    Attributes:
        since: When the first byte of the request came, on the monotonic clock.
        attempts: Of each its number, from 1, and when it began, in nanoseconds since 1970. A list may take several
            calls, each with attempts of its own.
        conflicts: How many writes Elasticsearch has refused as stale.
        results: What the increment, or each of a list, came to; or what the request as a whole was refused with.
    """

    __slots__ = ("attempts", "conflicts", "results", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.attempts: list[tuple[int, int]] = []
        self.conflicts = 0
        self.results: Sequence[Incremented | CounterError] = ()

    @property
    def tries(self) -> int:
        """How many attempts there were; a strategy that has no retries notes none of its own."""
        return len(self.attempts) or len(self.results)

    @property
    def retries(self) -> int:
        """How many attempts were not the first."""
        return sum(number > 1 for number, _ in self.attempts)

    @property
    def outcome(self) -> Outcome | None:
        """What is known of all increments together: unknown if it is of one, None if all were acknowledged."""
        known = None
        for result in self.results:
            if isinstance(result, CounterError):
                if result.outcome is Outcome.UNKNOWN:
                    return Outcome.UNKNOWN
                known = result.outcome
        return known


_at_hand: Final[ContextVar[Effort | None]] = ContextVar("effort", default=None)


def begin(since: float) -> None:
    """Note from now on what is done in this thread, or in its context, for a request that came at a moment."""
    _at_hand.set(Effort(since))


def at_hand() -> Effort:
    """Return what the request at hand has taken so far."""
    return _at_hand.get() or Effort(time.monotonic())


def end() -> None:
    """Note nothing any more: the thread goes on to other things."""
    _at_hand.set(None)


def attempt(number: int) -> None:
    """Note that an attempt begins, the first being 1."""
    effort = _at_hand.get()
    if effort:
        effort.attempts.append((number, time.time_ns()))


def conflict() -> None:
    """Note that Elasticsearch has refused a write as stale."""
    effort = _at_hand.get()
    if effort:
        effort.conflicts += 1


def came_to(results: Sequence[Incremented | CounterError]) -> None:
    """Note what the increments of the request came to."""
    effort = _at_hand.get()
    if effort:
        effort.results = results
