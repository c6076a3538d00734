"""`python -m localnode run`: whatever happens to it, nothing is left behind, and the next run works."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest
import urllib3

from localnode.processes import ProcessId, wait_until
from localnode.records import NodeFiles
from localnode.supervisor import NODE_DIED

PROJECT = Path(__file__).parents[3]
SECONDS_TO_END = 60.0
# Counts this run in a document, tells what the tests need to know, and waits for a signal.
COMMAND = """
import json, os, signal, urllib.request

def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["ELASTICSEARCH_URL"] + path, data, headers)
    try:
        return json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        raise SystemExit(error.read().decode())

change = {"script": "ctx._source.runs += 1", "upsert": {"runs": 1}, "_source": True}
runs = call("/kept/_update/1", change)["get"]["_source"]["runs"]
(node,) = call("/_nodes/process")["nodes"].values()
print(json.dumps({"runs": runs, "jvm": node["process"]["id"], "command": os.getpid()}), flush=True)
signal.pause()
"""


class Run:
    """A `python -m localnode run`."""

    def __init__(self, *arguments: str, python: Sequence[str] = (sys.executable,), **variables: str) -> None:
        self.process = subprocess.Popen(
            [*python, "-m", "localnode", "run", *arguments, "--", python[-1], "-c", COMMAND],
            env={**os.environ, "ELASTICSEARCH_URL": "", **variables},
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.runs = 0
        self.started: tuple[ProcessId, ...] = ()

    def wait_for_command(self) -> None:
        """Wait until the command has told how many runs it knows of, and which processes there are."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.finish()
        told = json.loads(line)
        processes = (ProcessId.of(told[name]) for name in ("jvm", "command"))
        self.started = tuple(process for process in processes if process is not None)
        assert 2 == len(self.started)
        self.runs = told["runs"]

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the run itself."""
        self.process.send_signal(number)

    def finish(self) -> tuple[int, str]:
        """Wait for the end, and return the exit code and what was said."""
        _, said = self.process.communicate(timeout=SECONDS_TO_END)
        return self.process.returncode, said

    def alive(self) -> list[bool]:
        """Tell of the node and of the command whether they run."""
        return [process.alive for process in self.started]

    def all_end(self) -> bool:
        """Wait until the node and the command have ended."""
        return all(process.wait(SECONDS_TO_END) for process in self.started)


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    """The runs of a test, each ended after it."""
    runs: list[Run] = []
    yield runs
    for run in runs:
        run.send(signal.SIGTERM)
        run.finish()


@pytest.fixture
def temporary(passable: Path) -> Path:
    """A folder for temporary files, which any user may use."""
    folder = passable / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def clusters_in(temporary: Path) -> list[Path]:
    """Return the ephemeral clusters whose folders exist."""
    return list(temporary.glob("es-counters-*/ephemeral/cluster-*"))


def guardian_of(run: Run) -> ProcessId:
    """Return the guardian that a run has started."""
    children = subprocess.run(
        ["/bin/ps", "-o", "pid=,args=", "--ppid", str(run.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    (pid,) = [line.split()[0] for line in children.stdout.splitlines() if "localnode guard" in line]
    guardian = ProcessId.of(int(pid))
    assert guardian is not None
    return guardian


def test_takes_over_from_a_run_that_was_killed_with_its_guardian(runs: list[Run], passable: Path) -> None:
    """Two runs do not share data; a next one ends what a killed one left, finds its data, and ends on SIGINT."""
    data = ["--data-dir", str(passable / "data")]
    first = Run(*data)
    runs.append(first)
    first.wait_for_command()

    refused = Run(*data).finish()
    guardian = guardian_of(first)
    guardian.send(signal.SIGKILL)
    guardian.wait(SECONDS_TO_END)
    first.send(signal.SIGKILL)
    first.process.wait()
    left = first.alive()
    second = Run(*data)
    runs.append(second)
    second.wait_for_command()
    ended = first.alive()
    second.send(signal.SIGINT)
    code, said = second.finish()

    assert 1 == refused[0]
    assert f"in use by process {first.process.pid}: end that first" in refused[1]
    assert [True, True] == left
    assert [False, False] == ended
    assert "Ended what a killed run had left." in said
    assert (1, 2) == (first.runs, second.runs)
    assert 128 + signal.SIGINT == code
    assert [False, False] == second.alive()


def test_leaves_nothing_when_it_is_killed(runs: list[Run], temporary: Path) -> None:
    """After SIGKILL the guardian ends command and node, and removes the temporary folder."""
    run = Run("--ephemeral", TMPDIR=str(temporary))
    runs.append(run)
    run.wait_for_command()
    there = clusters_in(temporary)

    run.send(signal.SIGKILL)

    assert 1 == len(there)
    assert run.all_end()
    assert wait_until(lambda: not clusters_in(temporary), timeout=SECONDS_TO_END)


def test_leaves_nothing_when_it_is_ended_while_it_starts(runs: list[Run], temporary: Path) -> None:
    """SIGTERM during the start ends the node that is coming up, and removes the temporary folder."""
    run = Run("--ephemeral", TMPDIR=str(temporary))
    runs.append(run)
    launched = wait_until(lambda: bool(launchers_in(temporary)), timeout=SECONDS_TO_END)
    (launcher,) = launchers_in(temporary)

    run.send(signal.SIGTERM)
    code, _ = run.finish()

    assert launched
    assert 128 + signal.SIGTERM == code
    assert not launcher.alive
    assert [] == clusters_in(temporary)


def launchers_in(temporary: Path) -> list[ProcessId]:
    """Return the launchers on record in the ephemeral clusters."""
    records = (ProcessId.load(NodeFiles(folder / "node-1").launcher) for folder in clusters_in(temporary))
    return [record for record in records if record is not None]


def test_ends_the_command_when_the_node_dies(runs: list[Run], temporary: Path) -> None:
    """A node that dies under the command ends it too, with a code and a sentence of its own."""
    run = Run("--ephemeral", TMPDIR=str(temporary))
    runs.append(run)
    run.wait_for_command()
    jvm, _ = run.started

    jvm.send(signal.SIGKILL)
    code, said = run.finish()

    assert NODE_DIED == code
    assert "node-1 has died, so the command is being ended." in said
    assert [False, False] == run.alive()
    assert [] == clusters_in(temporary)


def interpreter_for_others() -> list[str]:
    """Return the command that runs a Python as another user, or nothing where there is none they may use."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if os.geteuid() != 0 or python is None or shutil.which("setpriv") is None:
        return []
    version = subprocess.run(
        [python, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True, check=True
    )
    as_other = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", python]
    return as_other if version.stdout.strip() == b"True" else []


@pytest.mark.skipif(not interpreter_for_others(), reason="needs root, setpriv and a Python that all may use")
def test_works_for_an_ordinary_user(runs: list[Run], temporary: Path) -> None:
    """Run by a user without rights or a home, it starts, counts, and ends on SIGTERM."""
    packages = {str(Path(str(module.__file__)).parents[1]) for module in (click, urllib3)}
    run = Run(
        "--ephemeral",
        python=interpreter_for_others(),
        HOME="/nonexistent",
        TMPDIR=str(temporary),
        PYTHONPATH=os.pathsep.join([*packages, str(PROJECT)]),
    )
    runs.append(run)
    run.wait_for_command()
    owners = {Path(f"/proc/{process.pid}").stat().st_uid for process in run.started}

    run.send(signal.SIGTERM)
    code, _ = run.finish()

    assert 1 == run.runs
    assert {12345} == owners
    assert 128 + signal.SIGTERM == code
    assert [False, False] == run.alive()
    assert [] == clusters_in(temporary)
