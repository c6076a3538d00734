"""``/batched`` with a note of when each increment came, when its write began and ended, and when it went on."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from flask import Flask

from service.app import create_app
from service.counters import Increment
from service.settings import Settings
from service.storage.protocol import Additions
from service.strategies import STRATEGIES
from service.strategies.group_commit import GroupCommit, Party, Results

NOTES: Final = Path(__file__).parents[2] / "build" / "benchmarks"
"""Where each worker notes it, in a file of its own, wherever it and who reads that were started."""


@dataclass(frozen=True, slots=True)
class Note:
    """What happened to an increment, and when: seconds on the monotonic clock."""

    came: float
    write_began: float
    write_ended: float
    went_on: float

    @property
    def seconds(self) -> float:
        """How long it took in all."""
        return self.went_on - self.came


def notes(worker: int) -> Iterator[Note]:
    """Give what a worker has noted so far, but for a moment's.

    Args:
        worker: Its process.
    """
    for line in _file(worker).read_text("ascii").splitlines():
        yield Note(*map(float, line.split()))


def _file(worker: int) -> Path:
    return NOTES / f"notes-{worker}.txt"


_at_hand: ContextVar[Party] = ContextVar("party")


class Timed(GroupCommit):
    """Takes notes: of a write when it ends, and of those who have gone on when the next begins."""

    def __init__(self, repository: Additions) -> None:
        super().__init__(repository)
        self._writes: dict[Party, tuple[float, float]] = {}
        self._notes: list[str] = []
        NOTES.mkdir(parents=True, exist_ok=True)
        self._notebook = _file(os.getpid()).open("w", encoding="ascii")

    def add_each(self, increments: Sequence[Increment]) -> Results:
        """Add each, and note how it went."""
        results = super().add_each(increments)
        party = _at_hand.get()
        began, ended = self._writes.pop(party)
        self._notes.append(f"{party.since} {began} {ended} {time.monotonic()}\n")
        return results

    def _join(self, party: Party) -> bool:
        _at_hand.set(party)
        return super()._join(party)

    def _write(self, parties: list[Party]) -> Callable[[], None]:
        notes, self._notes = self._notes, []
        self._notebook.writelines(notes)
        self._notebook.flush()
        began = time.monotonic()
        tell = super()._write(parties)
        self._writes |= dict.fromkeys(parties, (began, time.monotonic()))
        return tell


def app() -> Flask:
    """Return the service with that strategy alone."""
    strategy = replace(STRATEGIES["batched"], storage=Timed)
    return create_app(Settings.from_env(), strategies={"batched": strategy})
