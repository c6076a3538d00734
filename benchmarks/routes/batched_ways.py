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
from service.counters import Applied, Increment
from service.errors import CounterError
from service.settings import Settings
from service.storage.protocol import Additions
from service.strategies import STRATEGIES
from service.strategies.group_commit import GroupCommit


class Hasty(GroupCommit):
    """Begins to write as soon as anybody asks and no write is under way, whoever is about to join."""

    def _is_due(self) -> bool:
        return self.queued > 0


class InTurn:
    """Has the workers of one gunicorn write one at a time, by a lock on a file, so that no two of them collide."""

    def __init__(self, storage: Additions) -> None:
        self._storage = storage
        # For as long as the worker lives, in the folder that all of a gunicorn share, and that goes with it.
        self._file = Path(os.environ[metrics.FOLDER], "turn").open("w", encoding="ascii")  # noqa: SIM115 - see above

    @property
    def batch(self) -> int:
        """As the storage has it."""
        return self._storage.batch

    def add(self, increment: Increment) -> Applied:
        """Add to a counter, once it is this worker's turn."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            return self._storage.add(increment)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def add_each(self, increments: Sequence[Increment]) -> list[Applied | CounterError]:
        """Add to each of several, likewise."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            return self._storage.add_each(increments)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


WAYS: Final[Mapping[str, tuple[str, Callable[[Additions], GroupCommit]]]] = MappingProxyType(
    {
        "in threads": ("threaded", GroupCommit),
        "at once": ("batched", Hasty),
        "in turn": ("batched", lambda storage: GroupCommit(InTurn(storage))),
    }
)
"""Of each way its path, by which gunicorn.conf.py knows whether its requests are tasks, and what is written through."""


def app(way: str) -> Flask:
    """Return the service with one of `WAYS` in place of its strategies."""
    path, storage = WAYS[way]
    strategy = replace(STRATEGIES["batched"], storage=storage)
    return create_app(Settings.from_env(), strategies={path: strategy})
