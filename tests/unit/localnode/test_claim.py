"""One run at a time on a cluster's folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localnode import claim
from localnode.claim import Claim
from localnode.errors import LocalNodeError
from localnode.processes import ProcessId

KILLED = ProcessId(os.getpid(), "a run that was killed")


def test_refuses_a_second_run(tmp_path: Path) -> None:
    """While one run holds the folder, another is told which process that is and what to do."""
    with (
        Claim(tmp_path),
        pytest.raises(LocalNodeError, match=f"in use by process {os.getpid()}: end that first"),
    ):
        Claim(tmp_path).__enter__()


def test_is_free_again_after_the_run(tmp_path: Path) -> None:
    """A folder that a run has left can be claimed by the next."""
    with Claim(tmp_path):
        pass

    with Claim(tmp_path) as taken:
        assert ProcessId.me() == taken.owner


def test_waits_for_the_guardian_of_a_killed_run(tmp_path: Path) -> None:
    """Where the owner is dead and its guardian still at work, the next run waits instead of giving up."""
    with Claim(tmp_path):
        pass
    KILLED.save(tmp_path / "owner")
    script = (
        "import sys, pathlib, localnode.claim as c; claim = c.Claim(pathlib.Path(sys.argv[1])); claim.take()"
    )
    wait = "print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", f"{script}; {wait}", tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as guardian:
        assert guardian.stdout is not None
        assert guardian.stdin is not None
        guardian.stdout.readline()
        refused = not Claim(tmp_path).take()
        guardian.stdin.close()

        with Claim(tmp_path) as taken:
            assert refused
            assert ProcessId.me() == taken.owner


def test_sees_that_another_run_has_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another run takes over from a killed one, who waits is told so as soon as that has put itself on record."""
    KILLED.save(tmp_path / "owner")
    other = Claim(tmp_path)
    other.take()
    monkeypatch.setattr(claim, "say", lambda _: ProcessId.me().save(tmp_path / "owner"))

    with pytest.raises(LocalNodeError, match=f"in use by process {os.getpid()}"):
        Claim(tmp_path).__enter__()

    other.release()
