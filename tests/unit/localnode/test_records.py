"""Whoever finds a run's records can end its processes."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from localnode import records
from localnode.processes import ProcessId
from localnode.records import NodeFiles


@pytest.fixture
def node(tmp_path: Path) -> NodeFiles:
    """The files of a node of the cluster in the test's folder."""
    folder = tmp_path / "node-1"
    folder.mkdir()
    return NodeFiles(folder)


def test_ends_launcher_and_jvm(tmp_path: Path, node: NodeFiles, sleeper: Callable[[], ProcessId]) -> None:
    """Both processes of a node end, and their records go."""
    launcher, jvm = sleeper(), sleeper()
    launcher.save(node.launcher)
    jvm.save(node.jvm)

    assert records.running(tmp_path)
    assert records.end_all(tmp_path)
    assert [False, False] == [launcher.alive, jvm.alive]
    assert [] == list(node.folder.iterdir())
    assert not records.running(tmp_path)


def test_ends_a_jvm_whose_launcher_was_killed(
    tmp_path: Path, node: NodeFiles, sleeper: Callable[[], ProcessId]
) -> None:
    """A JVM that has lost its launcher ends as well."""
    ProcessId(2**22 + 1, "gone").save(node.launcher)
    jvm = sleeper()
    jvm.save(node.jvm)

    records.end_all(tmp_path)

    assert not jvm.alive


def test_ends_a_paused_node(tmp_path: Path, node: NodeFiles, sleeper: Callable[[], ProcessId]) -> None:
    """A node that was left paused is woken, so that it can end in good order."""
    jvm = sleeper()
    jvm.save(node.launcher)
    jvm.send(signal.SIGSTOP)

    records.end_all(tmp_path)

    assert not jvm.alive


def test_ends_the_command_with_its_children(tmp_path: Path) -> None:
    """The command of a killed run ends, and so does what it has started."""
    with subprocess.Popen(
        ["/bin/sh", "-c", "sleep 300 & echo $!; wait"], stdout=subprocess.PIPE, process_group=0
    ) as command:
        assert command.stdout is not None
        child = ProcessId.of(int(command.stdout.readline()))
        leader = ProcessId.of(command.pid)
        assert child is not None
        assert leader is not None
        leader.save(records.command(tmp_path))

        assert records.end_all(tmp_path)
        assert not leader.alive
        assert child.wait(10.0)


def test_finds_nothing_to_end(tmp_path: Path, node: NodeFiles) -> None:
    """Records of processes that have ended, or none, are nothing to end."""
    ProcessId(2**22 + 1, "gone").save(node.launcher)

    assert not records.end_all(tmp_path)
    assert not records.end_all(tmp_path)
