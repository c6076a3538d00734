"""How often, and how soon, a write that met another writer is tried again."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from service import deadlines, effort, tasks

LEAST: Final = 0.05
"""Seconds that must be left for a try to begin, about what one takes.

One that is cut off midway has an unknown outcome, which is worth less to a caller than the conflict before it.
"""


@dataclass(frozen=True, slots=True)
class Retries:
    """A bounded number of attempts with full jitter between them, within the deadline of the request at hand.

    Before attempt *n* + 1 it waits for a random time between 0 and ``min(cap, base * 2**(n-1))``: of writers
    that collided, each comes back at a moment of its own.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Args:
        max_attempts: How many tries at most, at least 1.
        base: Upper bound of the first wait, in seconds.
        cap: Upper bound of every wait, in seconds.
        sleep: Waits for so many seconds.
        jitter: Draws from [0, 1).
        remaining: Tells the seconds that are left for the request.
    """

    max_attempts: int
    base: float
    cap: float
    sleep: Callable[[float], None] = tasks.sleep
    jitter: Callable[[], float] = random.random
    remaining: Callable[[], float] = deadlines.remaining

    def in_time(self, wait: float = 0.0) -> bool:
        """Say whether a try that begins in ``wait`` seconds can be expected to end in time."""
        return wait + LEAST <= self.remaining()

    def attempts(self) -> Iterator[int]:
        """Yield 1, 2, 3, … with a wait before each but the first, until the attempts or the time run out.

        The first attempt is owed to every caller: it is up to whoever carries it out to find that there is no time.
        """
        effort.attempt(1)
        yield 1
        ceiling = self.base
        for attempt in range(2, self.max_attempts + 1):
            wait = self.jitter() * min(self.cap, ceiling)
            if not self.in_time(wait):
                return
            self.sleep(wait)
            effort.attempt(attempt)
            yield attempt
            ceiling *= 2
