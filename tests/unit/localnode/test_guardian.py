"""The guardian acts when its parent dies, and only on what was its parent's."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from localnode import guardian, records
from localnode.claim import Claim
from localnode.processes import ProcessId, wait_until
from localnode.records import NodeFiles

# A run that has a node on record, and does nothing more.
RUN = """
import sys
from pathlib import Path
from localnode import guardian
from localnode.claim import Claim
folder = Path(sys.argv[1])
with Claim(folder), guardian.watching(folder, remove=True):
    print("watched", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cluster's folder."""
    (tmp_path / "cluster" / "node-1").mkdir(parents=True)
    return tmp_path / "cluster"


@pytest.fixture
def node(folder: Path, sleeper: Callable[[], ProcessId]) -> ProcessId:
    """A node on record there."""
    process = sleeper()
    process.save(NodeFiles(folder / "node-1").launcher)
    return process


def test_ends_the_nodes_of_a_killed_run(folder: Path, node: ProcessId) -> None:
    """When its parent is killed, the guardian ends the nodes and removes the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.send_signal(signal.SIGKILL)

        assert node.wait(30.0)
        assert wait_until(lambda: not folder.exists(), timeout=30.0)


def test_ends_the_nodes_whose_end_was_interrupted(folder: Path, node: ProcessId) -> None:
    """A run that leaves with a node running, interrupted a second time say, has it ended by the guardian."""
    with Claim(folder), guardian.watching(folder, remove=False):
        before = node.alive

    assert before
    assert not node.alive
    assert folder.exists()


def test_leaves_the_nodes_of_the_next_run_alone(folder: Path, node: ProcessId) -> None:
    """A guardian that comes late, after another run has claimed the folder, touches nothing."""
    with Claim(folder):
        subprocess.run(
            [sys.executable, "-m", "localnode", "guard", folder, "12", "some time ago"],
            stdin=subprocess.DEVNULL,
            check=True,
        )

        assert node.alive


def test_ends_a_command_whose_end_was_interrupted(folder: Path, sleeper: Callable[[], ProcessId]) -> None:
    """A command that is left running is ended as a node is, and the folder is left to who lives to remove it."""
    command = sleeper()
    command.save(records.command(folder))

    with Claim(folder), guardian.watching(folder, remove=True):
        before = command.alive

    assert before
    assert not command.alive
    assert folder.exists()
