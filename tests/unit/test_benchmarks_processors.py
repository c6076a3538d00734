"""Who has the machine's processors: what is made of the accounts, and that Linux keeps them as expected."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import processors
from benchmarks.errors import BenchmarkError
from benchmarks.processors import ALL, Accounts, Group, Taken, merged, watched

SECONDS = 60.0

BUSY = """
import threading
threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True, name="busy").start()
print("begun", flush=True)
input()
"""


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], []),
        ([(3, 4), (1, 2)], [(1, 2), (3, 4)]),
        ([(1, 3), (2, 4), (4, 5)], [(1, 5)]),
        ([(1, 9), (2, 3), (10, 11)], [(1, 9), (10, 11)]),
    ],
)
def test_spans_that_overlap_are_one(
    spans: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    """In order, whatever that of their beginnings and ends was."""
    assert expected == merged(spans)


def accounts() -> Accounts:
    """Return accounts of a group that had nothing for a second, then half a processor, and waited for the other."""
    return Accounts(
        moments=[10.0, 11.0, 13.0],
        taken=[{"group": Taken(5.0, 1.0)}, {"group": Taken(5.0, 1.0)}, {"group": Taken(6.0, 2.0)}],
    )


@pytest.mark.parametrize(
    ("spans", "ran"),
    [
        ([(10.0, 11.0)], 0.0),
        ([(11.0, 13.0)], 0.5),
        ([(11.5, 12.0), (11.25, 11.75)], 0.5),
        ([(10.0, 10.5), (12.0, 12.5)], 0.25),
        ([(0.0, 99.0)], 1 / 3),
    ],
)
def test_a_part_is_of_a_second_of_the_spans(spans: list[tuple[float, float]], ran: float) -> None:
    """Between two looks a group goes on evenly, and what nobody has looked at does not count."""
    part = accounts().part("group", spans)

    assert pytest.approx(ran) == part.ran
    assert pytest.approx(ran) == part.waited


def test_of_another_time_there_are_no_accounts() -> None:
    """That is an error, not nothing."""
    with pytest.raises(BenchmarkError, match="Nobody looked"):
        accounts().part("group", [(1.0, 2.0), (13.0, 14.0)])


@pytest.fixture
def busy() -> Iterator[int]:
    """Return a process of which one thread is always busy, and the other never."""
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert "begun\n" == process.stdout.readline()
        yield process.pid
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps these accounts")
def test_threads_are_told_apart(busy: int) -> None:
    """By process and name; what one takes is there within a few looks."""
    groups: dict[str, Group] = {
        "nobody": lambda *_: False,
        "all of it": lambda process, _name: process == busy,
    }
    deadline = time.monotonic() + SECONDS

    with watched([busy], groups) as found:
        while not found.taken or found.taken[-1]["all of it"].ran <= found.taken[0]["all of it"].ran + 0.01:
            assert time.monotonic() < deadline

    spans = [(found.moments[0], found.moments[-1])]
    assert 0.0 == found.part("nobody", spans).ran
    assert found.part("all of it", spans).ran > 0.0
    assert found.part(ALL, spans).ran > 0.0


def test_what_a_thread_took_that_has_ended_still_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a group would seem to give back what it took."""
    monkeypatch.setattr(processors, "PROC", tmp_path)
    for thread, ran in ((7, 3), (8, 4)):
        folder = tmp_path / "7" / "task" / str(thread)
        folder.mkdir(parents=True)
        (folder / "comm").write_text("a thread\n")
        (folder / "schedstat").write_text(f"{ran * 10**9} {10**9} 5\n")
    threads = processors.Threads(
        [7], {"others": lambda _process, name: name != "a thread", "its": lambda *_: True}
    )
    before = threads.look()
    for file in (tmp_path / "7/task/8").iterdir():
        file.unlink()
    (tmp_path / "7/task/8").rmdir()
    (tmp_path / "7/task/7/schedstat").write_text(f"{5 * 10**9} {10**9} 6\n")

    after = threads.look()

    assert (Taken(7.0, 2.0), Taken()) == (before["its"], before["others"])
    assert Taken(9.0, 2.0) == after["its"]


def test_elsewhere_than_on_linux_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence."""
    monkeypatch.setattr(processors, "PROC", tmp_path)

    with pytest.raises(BenchmarkError, match="on Linux alone"), watched([], {}):
        pass
