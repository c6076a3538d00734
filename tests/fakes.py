"""Counters in memory, held to the same contract as Elasticsearch's by tests/contract/test_repository.py."""

import builtins
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from service.counters import Applied, Counter, Increment, Revision, Snapshot
from service.errors import CounterError, VersionConflict
from service.operations import DEFAULT_LIMIT, OperationLog

P = TypeVar("P")
T = TypeVar("T")


class InMemoryCounters:
    """A `CounterRepository` of one process. ``before_write`` runs between the read and the write of others."""

    def __init__(self, *, log_limit: int = DEFAULT_LIMIT) -> None:
        self._log_limit = log_limit
        self._counters: dict[str, Counter] = {}
        self._writes = 0
        self._lock = threading.Lock()
        self.before_write: Callable[[], None] = lambda: None

    def read(self, counter_id: str) -> Counter:
        """Look it up."""
        return self._counters.get(counter_id, Counter.absent(counter_id, OperationLog(limit=self._log_limit)))

    @property
    def batch(self) -> int:
        """Three, so that the unit tests see lists go out in parts."""
        return 3

    def peek(self, counter_id: str) -> Snapshot | None:
        """Look its value up."""
        counter = self._counters.get(counter_id)
        return _shown(counter) if counter and counter.exists else None

    def overwrite(self, counter: Counter) -> Revision:
        """Store the counter, whatever is there."""
        self.before_write()
        with self._lock:
            return self._store(counter)

    def compare_and_set(self, counter: Counter) -> Revision:
        """Store the counter if its revision is still the same."""
        self.before_write()
        with self._lock:
            return self._store_unchanged(counter)

    def add(self, increment: Increment) -> Applied:
        """Add under the lock."""
        self.before_write()
        with self._lock:
            step = increment.applied_to(self.read(increment.counter_id))
            return Applied(step.value, self._store(step.counter), step.replayed)

    def read_each(self, counter_ids: Sequence[str]) -> list[Counter | CounterError]:
        """Look each up."""
        return [self.read(counter_id) for counter_id in counter_ids]

    def overwrite_each(self, counters: Sequence[Counter]) -> list[Revision | CounterError]:
        """Store each."""
        return [_outcome(self.overwrite, counter) for counter in counters]

    def compare_and_set_each(self, counters: Sequence[Counter]) -> list[Revision | CounterError]:
        """Store each under its condition."""
        return [_outcome(self.compare_and_set, counter) for counter in counters]

    def add_each(self, increments: Sequence[Increment]) -> list[Applied | CounterError]:
        """Add to each, and forget the revisions in between: of a counter that is written once there are none."""
        results = [_outcome(self.add, increment) for increment in increments]
        last = {increment.counter_id: self.read(increment.counter_id).revision for increment in increments}
        return [
            replace(result, revision=None)
            if isinstance(result, Applied) and result.revision != last[increment.counter_id]
            else result
            for increment, result in zip(increments, results, strict=True)
        ]

    def delete(self, counter: Counter) -> None:
        """Forget all but its log if the revision is still the same."""
        self.before_write()
        with self._lock:
            self._store_unchanged(replace(counter, value=0, exists=False))
            if counter.log.is_empty:
                del self._counters[counter.id]

    def list(self, *, prefix: str, after: str, limit: int) -> builtins.list[Snapshot]:
        """Sort the ids."""
        found = [
            _shown(counter)
            for counter in self._counters.values()
            if counter.exists and counter.id.startswith(prefix) and counter.id > after
        ]
        return sorted(found, key=lambda counter: counter.id)[:limit]

    def check(self) -> None:
        """Memory is always there."""

    def _store_unchanged(self, counter: Counter) -> Revision:
        if self.read(counter.id).revision != counter.revision:
            raise VersionConflict(counter.id)
        return self._store(counter)

    def _store(self, counter: Counter) -> Revision:
        revision = Revision(1, self._writes)
        self._writes += 1
        self._counters[counter.id] = replace(counter, revision=revision)
        return revision


def _shown(counter: Counter) -> Snapshot:
    assert counter.revision is not None
    return Snapshot(counter.id, counter.value, counter.revision)


def _outcome(write: Callable[[P], T], asked: P) -> T | CounterError:
    try:
        return write(asked)
    except CounterError as error:
        return error
