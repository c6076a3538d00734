"""Add to the counter as this process left it, and write it back if it is still so. Prevents the *lost update*.

It is the optimistic concurrency control of ``/occ`` without the read: whoever wrote a counter last knows what stands
there. That may be stale by now, because another process has written. The condition of the write finds that out, and the
increment starts over from a fresh read: a stale memory costs a conflict, never an update. It pays where a process has
its counters to itself, as behind a balancer that sends each counter to one replica.

Two things a memory must not do. It must not refuse: that a sum is too large may have been true, and be no more. And it
must not outlive the index: in one that is restored or made anew, a version may be given a second time. Restart the
service after that.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from flask import Flask

from service import create_app
from service.counters import Applied, Counter, Increment, Incremented
from service.errors import CounterError
from service.retries import Retries
from service.storage.protocol import CounterRepository
from service.strategies import STRATEGIES, Strategy, occ
from service.strategies.lists import rounds
from service.strategies.turns import Turns

REMEMBERED: Final = 100
"""How many counters a process remembers, with all that they remember themselves."""


class Memory:
    """The counters that this process has written last, and who waits for a turn at one.

    Args:
        repository: Where the counters are.
        limit: How many are remembered, from 1; beyond that, the one forgotten is that whose last write is longest ago.
    """

    def __init__(self, repository: CounterRepository, limit: int = REMEMBERED) -> None:
        self.turns = Turns(repository)
        self._limit = limit
        self._mutex = threading.Lock()
        self._last: OrderedDict[str, Counter] = OrderedDict()

    @property
    def batch(self) -> int:
        """As the repository has it."""
        return self.turns.batch

    def recall(self, asked: Increment) -> Counter | None:
        """Return the counter as it was written last, if that is known and the increment can be applied to it."""
        with self._mutex:
            known = self._last.get(asked.counter_id)
        if known is None:
            return None
        try:
            asked.applied_to(known)
        except CounterError:  # perhaps not any more
            return None
        return known

    def keep(self, counter: Counter) -> None:
        """Remember a counter as it has just been written."""
        with self._mutex:
            self._last[counter.id] = counter
            self._last.move_to_end(counter.id)
            if len(self._last) > self._limit:
                self._last.popitem(last=False)


def increment(storage: Memory, asked: Increment, retries: Retries) -> Incremented:
    """Add to a counter in turn, from memory first and from a fresh read as long as others come first.

    Raises:
        ConflictsNotResolved: Others came first each time, until the retries were used up.
        OutOfTime: The turn did not come in time.
    """
    with storage.turns.turn(asked) as turn:
        turn.known = turn.known or storage.recall(asked)
        done = occ.try_until_unchanged(turn, asked, retries)
        if turn.known:
            storage.keep(turn.known)
        return done


def try_each(storage: Memory, asked: Sequence[Increment]) -> list[Applied | CounterError]:
    """Try once to add to each of several different counters, in one read and one conditional write."""
    return occ.try_each(storage.turns, asked)


CACHED: Final = Strategy(Memory, increment, try_each, rounds)


def app() -> Flask:
    """Return the service with this strategy beside its own, at ``/cached``."""
    return create_app(strategies={**STRATEGIES, "cached": CACHED})
