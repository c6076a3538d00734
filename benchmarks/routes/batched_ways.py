"""Group commit in other ways than the service's: what ``/batched`` would be, by how its writes come together.

What lost to the service's own way is kept here, so that it can be measured again.
"""

import fcntl
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from flask import Flask

from service import metrics
from service.app import create_app
from service.counters import Increment
from service.settings import Settings
from service.storage.protocol import Additions
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

    def _add_each(self, parties: list[Party], increments: list[Increment]) -> Results:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            return super()._add_each(parties, increments)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


WAYS: Final[Mapping[str, tuple[str, type[GroupCommit]]]] = MappingProxyType(
    {
        "in threads": ("threaded", GroupCommit),
        "at once": ("batched", Hasty),
        "in turn": ("batched", InTurn),
    }
)
"""Of each way its path, by which gunicorn.conf.py knows whether its requests are tasks, and what is written through."""


def app(way: str) -> Flask:
    """Return the service with one of `WAYS` in place of its strategies."""
    path, storage = WAYS[way]
    strategy = replace(STRATEGIES["batched"], storage=storage)
    return create_app(Settings.from_env(), strategies={path: strategy})
