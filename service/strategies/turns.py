"""Taking turns: the threads of a process that would change the same counter do so one after the other.

Of those that read a counter at the same time all but one are refused when they write, and have worked for nothing.
Between processes only a conflict can tell so; within one a queue can. And each leaves the counter, as it has just
written it, to the next, who is spared the read. That it may be stale by then, because another process has written, is
what the condition of the write is for.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from service import deadlines
from service.counters import Counter, Increment, Revision, is_counter_value
from service.errors import OutOfTime
from service.storage.protocol import CounterRepository
from service.tasks import Latch


class Turn:
    """A turn at a counter: reads it, and writes it under the condition that it is still as it was read.

    Attributes:
        known: The counter as the one before, or this one, has written it last; None if that has to be read.
    """

    __slots__ = ("_asked", "_begun", "_repository", "known")

    def __init__(self, repository: CounterRepository, asked: Increment) -> None:
        self._repository = repository
        self._asked = asked
        self.known: Counter | None = None
        self._begun = Latch()

    def wait(self) -> bool:
        """Wait until it is this one's turn; return False if it was not in time."""
        return self._begun.wait(deadlines.remaining())

    def begin(self, known: Counter | None) -> None:
        """Let this one begin, with what the one before knows."""
        self.known = known
        self._begun.open()

    def read(self, counter_id: str) -> Counter:
        """Return the counter as the one before has written it, the first time; otherwise as it is stored.

        What is refused for its value is not written, and so not found to be stale: no such refusal rests on what is
        known.
        """
        known, self.known = self.known, None
        if known and is_counter_value(known.value + self._asked.by):
            return known
        return self._repository.read(counter_id)

    def compare_and_set(self, counter: Counter) -> Revision:
        """Store the counter, as the repository does; what is stored is known to the next."""
        revision = self._repository.compare_and_set(counter)
        self.known = replace(counter, revision=revision)
        return revision


class Turns:
    """Who waits for a turn, by counter.

    Args:
        repository: Where the counters are.

    Attributes:
        repository: The same.
        waiting: How many threads wait for a turn.
    """

    def __init__(self, repository: CounterRepository) -> None:
        self.repository = repository
        self.waiting = 0
        self._mutex = threading.Lock()
        self._queues: dict[str, deque[Turn]] = {}

    @property
    def batch(self) -> int:
        """As the repository has it."""
        return self.repository.batch

    @contextmanager
    def turn(self, asked: Increment) -> Iterator[Turn]:
        """Wait for one's turn at the counter of an increment, and have it.

        Raises:
            OutOfTime: It did not come within the caller's time.
        """
        turn, counter_id = Turn(self.repository, asked), asked.counter_id
        with self._mutex:
            queue = self._queues.setdefault(counter_id, deque())
            queue.append(turn)
            must_wait = queue[0] is not turn
            self.waiting += must_wait
        if must_wait and not turn.wait():
            self._leave(queue, turn)
        try:
            yield turn
        finally:
            with self._mutex:
                queue.popleft()
                if queue:
                    self.waiting -= 1
                    queue[0].begin(turn.known)
                else:
                    del self._queues[counter_id]

    def _leave(self, queue: deque[Turn], turn: Turn) -> None:
        """Leave the queue, unless the turn has come at the last moment."""
        with self._mutex:
            if queue[0] is not turn:
                self.waiting -= 1
                queue.remove(turn)
                raise OutOfTime
