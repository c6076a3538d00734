"""What is noted of an increment on its way through group commit."""

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.routes import timed
from benchmarks.routes.timed import Note, Timed, written_notes
from service.counters import Applied, Increment
from service.errors import CounterError
from service.storage.protocol import Additions
from service.strategies import group_commit
from tests.fakes import InMemoryCounters

PATIENCE = 30.0
"""Seconds in which what has to happen has long happened."""


class Noting(InMemoryCounters):
    """A repository that keeps when each of its writes began and ended."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[tuple[float, float]] = []

    def add_each(self, increments: Sequence[Increment]) -> list[Applied | CounterError]:
        """Add each."""
        began = time.monotonic()
        results = super().add_each(increments)
        self.writes.append((began, time.monotonic()))
        return results


@pytest.fixture(autouse=True)
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write notes into a folder of the test, and at once."""
    monkeypatch.setattr(timed, "NOTES", tmp_path / "notes")
    monkeypatch.setattr(timed, "SOON", 0.001)


def noted(number: int) -> list[Note]:
    """Return that many notes once they are written."""
    while not (timed.NOTES / f"notes-{os.getpid()}.txt").exists():
        time.sleep(0.001)
    while len(found := [*written_notes(os.getpid())]) < number:
        time.sleep(0.001)
    return found


def test_an_increment_is_noted_from_when_it_came_until_it_went_on() -> None:
    """With its write in between, for each of its own; neither has to wait for the other's."""
    repository = Noting()
    storage = Timed(repository)
    before = time.monotonic()
    for _ in range(2):
        storage.add(Increment("page-views", 1))
    after = time.monotonic()

    found = noted(2)

    assert 2 == len(found)
    for note, (began, ended) in zip(found, repository.writes, strict=True):
        assert before <= note.came == note.was_free <= note.write_began <= began
        assert ended <= note.write_ended <= note.went_on <= after
        assert note.seconds == note.went_on - note.came


class Held(Noting):
    """One whose first write takes until somebody waits behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.may_go_on = threading.Event()

    def add_each(self, increments: Sequence[Increment]) -> list[Applied | CounterError]:
        """Add each, once that may go on."""
        self.begun.set()
        assert self.may_go_on.wait(PATIENCE)
        return super().add_each(increments)


def test_who_comes_while_another_is_written_is_behind_it_until_it_is_over() -> None:
    """And from then on waits for its own."""
    repository = Held()
    storage = Timed(repository)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(storage.add, Increment("page-views", 1))
        assert repository.begun.wait(PATIENCE)
        second = pool.submit(storage.add, Increment("page-views", 1))
        while not storage.queued:
            time.sleep(0.001)
        repository.may_go_on.set()
        assert [1, 2] == [each.result().value for each in (first, second)]

    before, behind = sorted(noted(2), key=lambda note: note.write_began)

    assert behind.came < before.write_ended == behind.was_free <= behind.write_began


def test_what_is_refused_is_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It had no write; nor have no increments."""
    storage: Additions = Timed(Noting())
    storage.add(Increment("page-views", 1))
    monkeypatch.setattr(group_commit, "MAX_QUEUED", 0)

    [refused] = storage.add_each([Increment("page-views", 1)])

    assert isinstance(refused, CounterError)
    assert [] == storage.add_each([])
    assert 1 == len(noted(1))
