"""``/batched`` with a note of when each increment came, when its write began and ended, and when it went on."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import astuple, dataclass, replace
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
"""Where each worker writes its notes, into a file of its own, wherever it and who reads them were started."""

SOON: Final = 0.5
"""Seconds after which a note is written, by a thread of its own: no increment waits for the disk."""


@dataclass(frozen=True, slots=True)
class Note:
    """What happened to a request's increments, and when: seconds on the monotonic clock.

    ``was_free`` is from when on no other write was under way, and theirs waited for those that were about to join: as
    early as they ``came``, if none was.
    """

    came: float
    was_free: float
    write_began: float
    write_ended: float
    went_on: float

    @property
    def seconds(self) -> float:
        """How long it took in all."""
        return self.went_on - self.came


def written_notes(worker: int) -> Iterator[Note]:
    """Give what a worker has noted, but for the last moment.

    Args:
        worker: Its process.
    """
    # The last line may be half written.
    whole, _, _ = _file(worker).read_text("ascii").rpartition("\n")
    for line in whole.splitlines():
        yield Note(*map(float, line.split()))


def _file(worker: int) -> Path:
    return NOTES / f"notes-{worker}.txt"


_at_hand: ContextVar[Party] = ContextVar("party")


class Timed(GroupCommit):
    """Takes notes of those that were written; of who was refused, or gave up before the write ended, it has none.

    When the writes of the latter were, it keeps for as long as it lives.
    """

    def __init__(self, repository: Additions) -> None:
        super().__init__(repository)
        self._writes: dict[Party, tuple[float, float, float]] = {}
        self._last_ended = 0.0
        self._notes: deque[Note] = deque()
        threading.Thread(target=self._write_notes, name="notes", daemon=True).start()

    def add_each(self, increments: Sequence[Increment]) -> Results:
        """Add each, and note how it went."""
        results = super().add_each(increments)
        party = _at_hand.get(None)
        if party and (write := self._writes.pop(party, None)):
            self._notes.append(Note(party.since, *write, time.monotonic()))
        return results

    def _join(self, party: Party) -> bool:
        _at_hand.set(party)
        return super()._join(party)

    def _write(self, parties: list[Party]) -> Callable[[], None]:
        before, began = self._last_ended, time.monotonic()
        tell = super()._write(parties)
        ended = self._last_ended = time.monotonic()
        self._writes |= {party: (max(party.since, before), began, ended) for party in parties}
        return tell

    def _write_notes(self) -> None:
        NOTES.mkdir(parents=True, exist_ok=True)
        with _file(os.getpid()).open("w", encoding="ascii") as file:
            while True:
                time.sleep(SOON)
                while self._notes:
                    print(*astuple(self._notes.popleft()), file=file)
                file.flush()


def app() -> Flask:
    """Return the service with that strategy alone."""
    strategy = replace(STRATEGIES["batched"], storage=Timed)
    return create_app(Settings.from_env(), strategies={"batched": strategy})
