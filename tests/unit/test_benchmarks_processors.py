"""Who has the machine's processors: what is made of the accounts, and that Linux keeps them as expected."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks import processors
from benchmarks.errors import BenchmarkError
from benchmarks.processors import (
    ALL,
    INTERVAL,
    NANOSECONDS,
    Accounts,
    Group,
    Time,
    compiling_from_now,
    merged,
    watched,
)

ENOUGH = 0.05
"""Seconds on a processor, more than a tick of any account."""

BUSY = """
import threading

def be_busy():
    with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as name:
        name.write("busy")
    print("begun", flush=True)
    while True:
        pass

threading.Thread(target=be_busy, daemon=True).start()
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
        times=[{"group": Time(5.0, 1.0)}, {"group": Time(5.0, 1.0)}, {"group": Time(6.0, 2.0)}],
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
def test_a_utilization_is_of_a_second_of_the_spans(spans: list[tuple[float, float]], ran: float) -> None:
    """Between two looks a group goes on evenly, and what nobody has looked at does not count."""
    found = accounts().utilization("group", spans)

    assert pytest.approx(ran) == found.ran
    assert pytest.approx(ran) == found.waited


def test_of_another_time_there_are_no_accounts() -> None:
    """That is an error, not nothing."""
    with pytest.raises(BenchmarkError, match="Nobody looked"):
        accounts().utilization("group", [(1.0, 2.0), (13.0, 14.0)])


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
    """By process and name."""
    groups: dict[str, Group] = {
        "busy": lambda process, name: process == busy and name == "busy",
        "idle": lambda process, _name: process == busy,
        "others": lambda *_: True,
    }

    with watched([busy], groups) as found:
        while not found.times or (found.times[-1]["busy"] - found.times[0]["busy"]).ran < ENOUGH:
            time.sleep(INTERVAL)

    spans = [(found.moments[0], found.moments[-1])]
    had = {group: found.utilization(group, spans).ran for group in (*groups, ALL)}
    assert had["busy"] > had["idle"]
    assert 0.0 == had["others"]
    assert had[ALL] > 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps these accounts")
def test_a_process_that_ends_meanwhile_is_an_error(busy: int) -> None:
    """What it had at last is not known."""

    def watch() -> None:
        with watched([busy], {}):
            psutil.Process(busy).kill()
            psutil.Process(busy).wait()

    with pytest.raises(BenchmarkError, match="A process ended while it was watched"):
        watch()


def test_what_a_thread_had_that_has_ended_still_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a group would seem to give it back; whether it ended before it was listed, or just after."""
    monkeypatch.setattr(processors, "PROC", tmp_path)
    monkeypatch.setattr(processors, "time_of_all", Time)
    tasks = tmp_path / "7" / "task"
    for thread, ran in ((7, 3), (8, 4), (9, 5)):
        (tasks / str(thread)).mkdir(parents=True)
        (tasks / str(thread) / "comm").write_text("a thread\n")
        (tasks / str(thread) / "schedstat").write_text(f"{ran * NANOSECONDS} {NANOSECONDS} 5\n")
    groups: dict[str, Group] = {"others": lambda _process, name: name != "a thread", "its": lambda *_: True}
    read = os.pread

    def read_unless_ended(file: int, length: int, offset: int) -> bytes:
        data = read(file, length, offset)
        if data.startswith(b"5"):
            raise ProcessLookupError
        return data

    with processors.Threads([7], groups) as threads:
        before = threads.look()
        monkeypatch.setattr(os, "pread", read_unless_ended)
        shutil.rmtree(tasks / "8")
        (tasks / "7" / "schedstat").write_text(f"{4 * NANOSECONDS} {NANOSECONDS} 6\n")
        after = threads.look()

    assert (Time(12.0, 3.0), Time()) == (before["its"], before["others"])
    assert Time(13.0, 3.0) == after["its"]


def test_elsewhere_than_on_linux_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence."""
    monkeypatch.setattr(processors, "PROC", tmp_path)

    with pytest.raises(BenchmarkError, match="on Linux alone"), watched([], {}):
        pass


def account_of(process: Path, thread: int, name: str, seconds: float) -> None:
    """Write how long a thread of a process has run."""
    folder = process / "task" / str(thread)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "comm").write_text(f"{name}\n")
    (folder / "schedstat").write_text(f"{round(seconds * NANOSECONDS)} {NANOSECONDS} 5\n")


def test_a_jvm_s_compilers_are_told_from_its_other_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has begun meanwhile counts; one that has ended takes along what it had, and nothing becomes less."""
    monkeypatch.setattr(processors, "PROC", tmp_path)
    jvm = tmp_path / "7"
    account_of(jvm, 8, "C2 CompilerThre", 1.0)
    account_of(jvm, 9, "C1 CompilerThre", 20.0)
    account_of(jvm, 10, "elasticsearch[n", 3.0)

    compiling = compiling_from_now(7)
    account_of(jvm, 8, "C2 CompilerThre", 1.5)
    account_of(jvm, 10, "elasticsearch[n", 9.0)
    account_of(jvm, 11, "C2 CompilerThre", 0.25)
    shutil.rmtree(jvm / "task" / "9")

    assert 0.75 == compiling()


def test_where_no_compiler_is_to_be_seen_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a 0: the system is not Linux, or the process is no JVM."""
    monkeypatch.setattr(processors, "PROC", tmp_path)
    account_of(tmp_path / "7", 8, "redis-server", 1.0)

    assert compiling_from_now(7)() is None
    assert compiling_from_now(9)() is None
