"""What holds Python's lock in a worker: py-spy samples, many times a second, which of its threads does, and where.

What the standard library does counts for its caller. Each sample stops the worker, which slows it down, the more
threads it has and the more samples are taken. Not to stop it (py-spy's ``--nonblocking``) is no way: such samples fail
more often where the stack changes fast.

Source: https://github.com/benfred/py-spy
"""

import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.errors import BenchmarkError

RATE: Final = 31
"""Samples a second, on average: py-spy's intervals are random. With 97 some targets did half of what they do unseen."""
SECONDS: Final = 3
"""For how long a worker is sampled at a time, on average."""
SAMPLES: Final = RATE * SECONDS - 1
"""Of a worker at a time: py-spy ends at the last one and does not count it."""
STARTING: Final = 2.0
"""Seconds that py-spy may take besides, to begin, for its random intervals, and to end."""

FAILED: Final = re.compile(r"Errors: (\d+)")
"""What py-spy says in the end. What it calls samples there are those that found the lock held."""

PARTS: Final[Mapping[str, Sequence[str]]] = {
    "Flask, Werkzeug and what extends them": (
        "flask",
        "werkzeug/",
        "webargs/",
        "marshmallow/",
        "apispec/",
        "blinker/",
    ),
    "gunicorn": ("gunicorn/",),
    "the service's part of the server": (
        "service/server/",
        "service/tasks.py",
        "service/sweeping.py",
        "service/admission.py",
        "gunicorn.conf.py",
    ),
    "the store's client": ("elasticsearch/", "elastic_transport/", "urllib3/", "redis/"),
    "storage": ("service/storage/", "tests/fakes.py"),
    "strategies": (
        "service/strategies/",
        "service/retries.py",
        "service/counters.py",
        "service/operations.py",
    ),
    "metrics": ("service/metrics.py", "prometheus_client/"),
    "log": ("service/logs.py", "structlog/", "service/effort.py"),
    "the API and its rules": ("service/", "benchmarks/"),
}
"""Of each part of a worker what the names of its files begin with, of packages or of this project; the first counts."""

FOR_OTHERS: Final = "service/json_text.py"
"""A file that counts for its caller, as the standard library does."""

PROJECT: Final = f"{Path(__file__).parent.parent}/"
REST: Final = "the rest"


def part_of(stack: str) -> str:
    """Return what a stack's innermost frame belongs to: the part that the standard library was called by.

    Args:
        stack: Frames from the outermost to the innermost, as ``name (file:line)``, with ";" between.
    """
    for frame in reversed(stack.split(";")):
        file = _file(frame)
        if file == FOR_OTHERS:
            continue
        for part, beginnings in PARTS.items():
            if file.startswith(tuple(beginnings)):
                return part
    return REST


def _file(frame: str) -> str:
    """Return the file of a frame, as it is called within its package or this project; "" if it is elsewhere."""
    path = frame.rpartition("(")[2].partition(":")[0]
    _, packaged, file = path.rpartition("site-packages/")
    if packaged:
        return file
    return path.removeprefix(PROJECT) if path.startswith(PROJECT) else ""


def parts_of(lines: Iterable[str]) -> Counter[str]:
    """Return how often each part was found at work.

    Args:
        lines: Of py-spy's "raw" format: a stack, a blank, and how often it was found.
    """
    found: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        found[part_of(stack)] += int(count)
    return found


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of a worker.

    Attributes:
        held: How many found its lock held, by the part that held it.
        number: How many there are.
        ended: When py-spy ended, a moment after the last was taken, on the monotonic clock.
    """

    held: Counter[str]
    number: int
    ended: float

    def share(self, parts: Iterable[str]) -> float:
        """Return for what share of the time parts have held the lock."""
        return sum(self.held[part] for part in parts) / self.number


def sample(worker: int) -> Samples:
    """Sample a worker for `SECONDS`.

    Args:
        worker: Its process.

    Raises:
        BenchmarkError: py-spy failed: it may have to be root. Or the worker ended, or it took too long.
    """
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        stacks = Path(folder, "stacks")
        command = [
            *(str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(worker), "--gil"),
            *("--rate", str(RATE), "--duration", str(SECONDS)),
            *("--format", "raw", "--full-filenames", "--output", str(stacks)),
        ]
        began = time.monotonic()
        spied = subprocess.run(command, capture_output=True, text=True, check=False)
        ended = time.monotonic()
        failed = FAILED.search(said := spied.stdout + spied.stderr)
        if spied.returncode != 0 or failed is None or int(failed[1]) >= SAMPLES:
            raise BenchmarkError(f"py-spy failed; it may have to be run as root: {said.strip()}")
        if not psutil.pid_exists(worker):
            raise BenchmarkError(f"The worker that py-spy sampled has ended: {said.strip()}")
        if ended - began > SECONDS + STARTING:
            raise BenchmarkError(
                f"py-spy took {ended - began:.1f} s to sample for {SECONDS} s: {said.strip()}"
            )
        return Samples(parts_of(stacks.read_text("utf-8").splitlines()), SAMPLES - int(failed[1]), ended)
