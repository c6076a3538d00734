"""How often, and how soon, a write that met another writer is tried again."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retries:
    """A bounded number of attempts with full jitter between them.

    Before attempt *n* + 1 it waits for a random time between 0 and ``min(cap, base * 2**(n-1))``: of writers
    that collided, each comes back at a moment of its own.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Args:
        max_attempts: How many tries at most, at least 1.
        budget: Seconds after which no further try is begun.
        base: Upper bound of the first wait, in seconds.
        cap: Upper bound of every wait, in seconds.
        sleep: Waits for so many seconds.
        jitter: Draws from [0, 1).
        clock: Tells monotonic seconds.
    """

    max_attempts: int
    budget: float
    base: float
    cap: float
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic

    def deadline(self) -> float:
        """Return the moment, on ``clock``, at which a budget that begins now is used up."""
        return self.clock() + self.budget

    def attempts(self, deadline: float | None = None) -> Iterator[int]:
        """Yield 1, 2, 3, … with a wait before each but the first, until the attempts or the time run out.

        Args:
            deadline: No try but the first is begun after it; a budget that begins now if left out.
        """
        if deadline is None:
            deadline = self.deadline()
        yield 1
        ceiling = self.base
        for attempt in range(2, self.max_attempts + 1):
            wait = self.jitter() * min(self.cap, ceiling)
            if self.clock() + wait >= deadline:
                return
            self.sleep(wait)
            yield attempt
            ceiling *= 2
