"""Group commit in other ways than the service's: what ``/batched`` would be, by how its writes come together.

What lost to the service's own way is kept here, so that it can be measured again.
"""

import fcntl
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from flask import Flask

from service import metrics
from service.app import create_app
from service.counters import Applied, Counter, Increment
from service.errors import CounterError
from service.settings import Settings
from service.storage.protocol import Additions, CounterRepository
from service.strategies import STRATEGIES
from service.strategies.group_commit import GroupCommit, Party, Results


class Hasty(GroupCommit):
    """Begins to write as soon as anybody asks and no write is under way, whoever is about to join."""

    def _is_due(self) -> bool:
        return self.queued > 0


class InTurn(GroupCommit):
    """Has the workers of one gunicorn write one at a time, by a lock on a file, so that no two of them collide."""

    def __init__(self, repository: Additions) -> None:
        super().__init__(repository)
        # In the folder that all of a gunicorn share, and that goes with it.
        path = Path(os.environ[metrics.FOLDER], "turn")
        self._file = path.open("w", encoding="ascii")

    def _add_each(self, longest: Party, parties: list[Party], increments: list[Increment]) -> Results:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            return super()._add_each(longest, parties, increments)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


class Memory:
    """`Additions` that need neither a script nor a read: a conditional write of what follows from the last one."""

    def __init__(self, repository: CounterRepository) -> None:
        self._repository = repository
        self._last: dict[str, Counter] = {}

    @property
    def batch(self) -> int:
        """As the repository has it."""
        return self._repository.batch

    def add(self, increment: Increment) -> Applied:
        """Add to a counter."""
        [outcome] = self.add_each([increment])
        if isinstance(outcome, CounterError):
            raise outcome
        return outcome

    def add_each(self, increments: Sequence[Increment]) -> Results:
        """Add to what is remembered, or else was read; what meets another worker's write is read the next time."""
        ids = [*dict.fromkeys(increment.counter_id for increment in increments)]
        unknown = [counter_id for counter_id in ids if counter_id not in self._last]
        now = {**self._last, **dict(zip(unknown, self._repository.read_each(unknown), strict=True))}
        results = [_applied(now, increment) for increment in increments]
        after = {counter_id: now[counter_id] for counter_id in ids}
        changed = [counter for counter in after.values() if isinstance(counter, Counter)]
        for counter, written in zip(changed, self._repository.compare_and_set_each(changed), strict=True):
            if isinstance(written, CounterError):
                self._last.pop(counter.id, None)
                after[counter.id] = written
            else:
                self._last[counter.id] = replace(counter, revision=written)
        return [
            failed if isinstance(failed := after[increment.counter_id], CounterError) else result
            for increment, result in zip(increments, results, strict=True)
        ]


def _applied(now: dict[str, Counter | CounterError], increment: Increment) -> Applied | CounterError:
    """Apply an increment to the counters as they are now."""
    counter = now[increment.counter_id]
    if isinstance(counter, CounterError):
        return counter
    try:
        step = increment.applied_to(counter)
    except CounterError as error:
        return error
    now[increment.counter_id] = step.counter
    return Applied(step.value, None, step.replayed)


class FromMemory(GroupCommit):
    """Writes by way of a `Memory`."""

    def __init__(self, repository: CounterRepository) -> None:
        super().__init__(Memory(repository))


WAYS: Final[Mapping[str, tuple[str, Callable[[CounterRepository], GroupCommit]]]] = MappingProxyType(
    {
        "in threads": ("threaded", GroupCommit),
        "at once": ("batched", Hasty),
        "in turn": ("batched", InTurn),
        "from memory": ("batched", FromMemory),
    }
)
"""Of each way its path, by which gunicorn.conf.py knows whether its requests are tasks, and what is written through."""


def app(way: str) -> Flask:
    """Return the service with one of `WAYS` in place of its strategies."""
    path, storage = WAYS[way]
    strategy = replace(STRATEGIES["batched"], storage=storage)
    return create_app(Settings.from_env(), strategies={path: strategy})
