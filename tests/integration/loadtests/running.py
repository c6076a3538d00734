"""Starting the load test as people start it: a process of its own, in the project's folder."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localnode import ports

ROOT = Path(__file__).parents[3]
PATIENCE = 60
"""Seconds until a load test counts as hung: far above what any of them takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a load test left behind."""

    exit_code: int
    stdout: str
    stderr: str
    output: Path

    @property
    def document(self) -> dict[str, Any]:
        """What it wrote to verdict.json."""
        document: dict[str, Any] = json.loads((self.output / "verdict.json").read_text())
        return document

    @property
    def strategies(self) -> dict[str, dict[str, Any]]:
        """The document's verdicts by strategy."""
        return {entry["strategy"]: entry for entry in self.document["strategies"]}


class Load:
    """A load test's process."""

    def __init__(self, *arguments: str, output: Path, module: str = "loadtests") -> None:
        self.output = output
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "--output", str(output), *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self) -> Finished:
        """Wait until it ends."""
        try:
            stdout, stderr = self.process.communicate(timeout=PATIENCE)
        finally:
            self.end()
        return Finished(exit_code=self.process.returncode, stdout=stdout, stderr=stderr, output=self.output)

    def end(self) -> None:
        """Leave nothing of it behind, whether it has ended or not."""
        with suppress(ProcessLookupError):  # nothing is left of a group that ended as it should
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def run(*arguments: str, output: Path) -> Finished:
    """Run a load test to its end, without Locust's web UI."""
    return Load(*arguments, output=output).finish()


def recheck(history: Path) -> subprocess.CompletedProcess[str]:
    """Check a run's history again, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "loadtests.recheck", str(history)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def free_port() -> int:
    """A port for Locust to listen on, out of the range from which other programs are given theirs unasked."""
    (port, *_), _ = ports.choose(1)
    return port
