"""Folders of clusters that go after a run, however many runs there are."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localnode import folders, places
from localnode.processes import ProcessId
from localnode.records import NodeFiles

RUNS = 4
ROUNDS = 50


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own folder for temporary files, and in it the one for ephemeral clusters."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return places.temporary() / "ephemeral"


def test_clears_up_after_a_run_that_was_killed_with_its_guardian(
    temporary: Path, sleeper: Callable[[], ProcessId]
) -> None:
    """The next ephemeral cluster ends and removes those that nobody holds, and leaves those in use."""
    left = temporary / "cluster-left"
    (left / "node-1").mkdir(parents=True)
    process = sleeper()
    process.save(NodeFiles(left / "node-1").launcher)

    with folders.ephemeral() as used, folders.ephemeral() as other:
        there = (used.exists(), other.exists(), left.exists())

    assert (True, True, False) == there
    assert not process.alive
    assert [False, False] == [used.exists(), other.exists()]


def test_lets_runs_come_and_go_side_by_side(temporary: Path) -> None:
    """A run that starts while others end fails at none of their folders, and all folders go."""
    together = threading.Barrier(RUNS)

    def come_and_go(_: int) -> int:
        together.wait()
        for _ in range(ROUNDS):
            with folders.ephemeral() as folder:
                assert folder.is_dir()
        return ROUNDS

    with ThreadPoolExecutor(RUNS) as pool:
        done = list(pool.map(come_and_go, range(RUNS)))

    assert [ROUNDS] * RUNS == done
    assert ["lock"] == [path.name for path in temporary.iterdir()]


def test_takes_a_folder_that_is_gone_for_cleared_up(tmp_path: Path) -> None:
    """A folder that someone else has removed in the meantime is no error, and is not made anew."""
    gone = tmp_path / "gone" / "cluster-1"

    folders.clear_up(gone)
    folders.remove(gone)

    assert not gone.parent.exists()
