"""Processes are told apart by number and start time."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localnode.processes import ProcessId, wait_until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing."""
    with subprocess.Popen(["/bin/sleep", "300"]) as process:
        yield process
        process.kill()


def identity(process: subprocess.Popen[bytes]) -> ProcessId:
    """Return the identity of a process that runs."""
    found = ProcessId.of(process.pid)
    assert found is not None
    return found


def test_is_alive_until_it_ends(sleeper: subprocess.Popen[bytes]) -> None:
    """A process is alive while it runs, and not as a zombie that nobody has waited for."""
    process = identity(sleeper)
    before = process.alive
    process.send(signal.SIGKILL)

    assert before
    assert process.wait(10.0)
    assert sleeper.returncode is None, "nobody has waited for it"


def test_leaves_another_process_of_the_same_number_alone(sleeper: subprocess.Popen[bytes]) -> None:
    """A record whose number has been given to a later process counts as dead, and no signal is sent."""
    earlier = ProcessId(sleeper.pid, "long ago")
    earlier.send(signal.SIGKILL)

    assert not earlier.alive
    assert identity(sleeper).alive


def test_waits_no_longer_than_told(sleeper: subprocess.Popen[bytes]) -> None:
    """Waiting for a process that goes on ends, and says so."""
    assert not identity(sleeper).wait(0.0)


def test_is_the_same_after_a_round_trip(tmp_path: Path) -> None:
    """What is saved is what is loaded."""
    me = ProcessId.me()
    me.save(tmp_path / "record")

    assert me == ProcessId.load(tmp_path / "record")
    assert me == ProcessId.of(os.getpid())


@pytest.mark.parametrize("content", ["", "12", "12 ", "twelve now"])
def test_takes_half_a_record_for_none(tmp_path: Path, content: str) -> None:
    """A record that was not written to its end is none."""
    (tmp_path / "record").write_text(content)

    assert ProcessId.load(tmp_path / "record") is None


def test_knows_no_identity_of_nobody() -> None:
    """A number that no process has, has no identity."""
    beyond_any = 2**22 + 1

    assert ProcessId.of(beyond_any) is None


def test_stands_still_after_sigstop_and_goes_on_after_sigcont(sleeper: subprocess.Popen[bytes]) -> None:
    """A process counts as stopped once all its threads are, and no longer than that."""
    process = identity(sleeper)
    running = process.stopped
    process.send(signal.SIGSTOP)

    assert not running
    assert wait_until(lambda: process.stopped, timeout=10.0)

    process.send(signal.SIGCONT)
    assert wait_until(lambda: not process.stopped, timeout=10.0)
