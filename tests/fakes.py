"""Counters in memory, held to the same contract as Elasticsearch's by tests/contract/test_repository.py."""

import builtins
import threading
from collections.abc import Callable, Sequence
from typing import ParamSpec

from service.counters import Counter, Increment, Revision, is_counter_value
from service.errors import CounterError, CounterOverflow, VersionConflict
from service.storage.protocol import Result

P = ParamSpec("P")


class InMemoryCounters:
    """A `CounterRepository` of one process. ``before_write`` runs between the read and the write of others."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._writes = 0
        self._lock = threading.Lock()
        self.before_write: Callable[[], None] = lambda: None

    def read(self, counter_id: str) -> Counter:
        """Look it up."""
        return self._counters.get(counter_id, Counter.absent(counter_id))

    def overwrite(self, seen: Counter, value: int) -> Counter:
        """Store the value, whatever is there."""
        self.before_write()
        with self._lock:
            return self._store(seen.id, value)

    def compare_and_set(self, seen: Counter, value: int) -> Counter:
        """Store the value if the revision is still the same."""
        self.before_write()
        with self._lock:
            if is_counter_value(value) and self.read(seen.id).revision != seen.revision:
                raise VersionConflict(seen.id)
            return self._store(seen.id, value)

    def add(self, increment: Increment) -> Counter:
        """Add under the lock."""
        self.before_write()
        with self._lock:
            return self._store(increment.counter_id, self.read(increment.counter_id).value + increment.by)

    def read_each(self, counter_ids: Sequence[str]) -> list[Result]:
        """Look each up."""
        return [self.read(counter_id) for counter_id in counter_ids]

    def overwrite_each(self, counters: Sequence[tuple[Counter, int]]) -> list[Result]:
        """Store each."""
        return [_result(self.overwrite, *pair) for pair in counters]

    def compare_and_set_each(self, counters: Sequence[tuple[Counter, int]]) -> list[Result]:
        """Store each under its condition."""
        return [_result(self.compare_and_set, *pair) for pair in counters]

    def add_each(self, increments: Sequence[Increment]) -> list[Result]:
        """Add to each."""
        return [_result(self.add, increment) for increment in increments]

    def delete(self, counter_id: str, revision: Revision) -> None:
        """Forget it if the revision is still the same."""
        self.before_write()
        with self._lock:
            if self.read(counter_id).revision != revision:
                raise VersionConflict(counter_id)
            self._writes += 1
            del self._counters[counter_id]

    def list(self, *, prefix: str, after: str, limit: int) -> builtins.list[Counter]:
        """Sort the ids."""
        ids = sorted(id_ for id_ in self._counters if id_.startswith(prefix) and id_ > after)
        return [self._counters[id_] for id_ in ids[:limit]]

    def check(self) -> None:
        """Memory is always there."""

    def _store(self, counter_id: str, value: int) -> Counter:
        if not is_counter_value(value):
            raise CounterOverflow(counter_id)
        counter = Counter(counter_id, value, Revision(1, self._writes))
        self._writes += 1
        self._counters[counter_id] = counter
        return counter


def _result(write: Callable[P, Counter], *args: P.args, **kwargs: P.kwargs) -> Result:
    try:
        return write(*args, **kwargs)
    except CounterError as error:
        return error
