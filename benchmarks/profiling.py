"""What a worker does under load, by what the code belongs to: why a goal is not reached.

py-spy stops a worker a hundred times a second to see which of a worker's threads holds Python's lock, and where, while
the worker is under the load of `make bench`. What the standard library does counts for its caller. Beside that stands
what the system accounts for meanwhile: the processor time of a request, with the calls of the system and the waking of
threads, for which nobody holds the lock.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import click
import psutil

from benchmarks import pages, tables
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell, Measurement
from benchmarks.load import Dose
from benchmarks.machine import demand_commit, facts, sentence
from benchmarks.ratios import where
from benchmarks.stand import Stand, stand
from benchmarks.targets import AS_TASKS, BARE, ELASTICSEARCH, LOGGING_STACK, REDIS, Target, strategies

LOOKS: Final = 97
"""A second: a number that nothing else goes by."""
WARM_UP: Final = 3.0
"""Seconds of load before it looks."""
LOOKING: Final = 12.0
"""Seconds for which it looks."""
SECONDS: Final = WARM_UP + LOOKING + 2
"""Of load in all; py-spy takes a moment to begin."""
PREPARE: Final = 15.0
"""Seconds of load on each subject that Elasticsearch is behind before anything counts, for its JVM."""

*_, SCRIPTED, BATCHED = strategies()
SYNCED_REDIS: Final = REDIS[0]
SUBJECTS: Final = (
    (SCRIPTED, Cell(workers=1, connections=1, counters=1)),
    (BATCHED, Cell(workers=1, connections=1, counters=1)),
    (BARE, Cell(workers=1, connections=32, counters=1)),
    (AS_TASKS, Cell(workers=1, connections=32, counters=1)),
    (LOGGING_STACK, Cell(workers=1, connections=32, counters=1)),
    (BATCHED, Cell(workers=1, connections=32, counters=1)),
    (BARE, Cell(workers=2, connections=32, counters=1)),
    (SYNCED_REDIS, Cell(workers=2, connections=32, counters=1)),
    (BATCHED, Cell(workers=2, connections=32, counters=1)),
    (SCRIPTED, Cell(workers=1, connections=32, counters=1000)),
    (BATCHED, Cell(workers=1, connections=32, counters=1000)),
    (SCRIPTED, Cell(workers=2, connections=32, counters=1000)),
    (BATCHED, Cell(workers=2, connections=32, counters=1000)),
    (BARE, Cell(workers=1, connections=64, counters=1, share=0.5)),
    (BATCHED, Cell(workers=1, connections=64, counters=1, share=0.5)),
    (BARE, Cell(workers=2, connections=64, counters=1, share=0.5)),
    (BATCHED, Cell(workers=2, connections=64, counters=1, share=0.5)),
)
"""What is looked at: where a goal is hard to reach, and what it is compared with there."""

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
        if file.startswith(FOR_OTHERS):
            continue
        for part, beginnings in PARTS.items():
            if file.startswith(tuple(beginnings)):
                return part
    return REST


def _file(frame: str) -> str:
    """Return the file of a frame, as it is called within its package or this project; "" if it is elsewhere."""
    path = frame.rpartition("(")[2]
    _, packaged, file = path.rpartition("site-packages/")
    if packaged:
        return file
    return path.removeprefix(PROJECT) if path.startswith(PROJECT) else ""


def parts_of(lines: Iterable[str]) -> Counter[str]:
    """Return how often each part was seen at work.

    Args:
        lines: Of py-spy's "raw" format: a stack, a blank, and how often it was seen.
    """
    seen: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        seen[part_of(stack)] += int(count)
    return seen


@dataclass(frozen=True, slots=True)
class Profile:
    """What a worker was seen doing: how often each part was at work, and what was measured meanwhile."""

    measured: Measurement
    seen: Counter[str]

    @property
    def locked(self) -> float:
        """The part of the time, from 0 to 1, in which a thread held Python's lock."""
        return self.seen.total() / (LOOKS * LOOKING)

    def share_of(self, part: str) -> float:
        """Return what a part has of that, from 0 to 1."""
        return self.seen[part] / max(1, self.seen.total())

    def processors(self, *groups: str) -> float:
        """Return how many processors groups of processes kept busy."""
        return self.measured.speed.rate * self.measured.milliseconds_of(*groups) / 1000


def profile(ready: Stand, target: Target, cell: Cell, *, rate: float) -> Profile:
    """Put load on a target, and look at one of its workers.

    Args:
        ready: Has it.
        target: What is under load.
        cell: The circumstances.
        rate: Requests that are due a second; 0 for a closed loop.

    Raises:
        BenchmarkError: py-spy failed: it may have to be root.
    """
    master = psutil.Process(ready.services[target.app.name, cell.workers].process.pid)
    worker = min(child.pid for child in master.children())
    with tempfile.TemporaryDirectory(prefix="profile-") as folder, ThreadPoolExecutor(1) as pool:
        stacks = Path(folder, "stacks")
        command = [
            *(str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(worker), "--gil"),
            *("--rate", str(LOOKS), "--duration", f"{LOOKING:.0f}"),
            *("--format", "raw", "--full-filenames", "--output", str(stacks)),
        ]
        dose = Dose(seconds=SECONDS, warm_up=WARM_UP, rate=rate)
        measuring = pool.submit(ready.measure, target, cell, dose, repeat=1)
        time.sleep(WARM_UP)
        spied = subprocess.run(command, capture_output=True, text=True, check=False)
        measured = measuring.result()
        if spied.returncode != 0:
            raise BenchmarkError(f"py-spy failed; it may have to be run as root: {spied.stderr.strip()}")
        return Profile(measured, parts_of(stacks.read_text("utf-8").splitlines()))


def rows(profiles: Sequence[Profile]) -> list[tables.Row]:
    """Return a row for each profile: what each part has of the time for which Python's lock is held.

    Then for how much of the time that of the one worker is held, and the figures of all of them together.
    """
    columns: dict[str, Callable[[Profile], str]] = {
        **{part: partial(_percent_of, part=part) for part in (*PARTS, REST)},
        "the lock is held": lambda each: f"{each.locked:.0%}",
        "CPU of an increment": lambda each: f"{1000 * each.measured.milliseconds_of('gunicorn'):,.0f} µs",
        "increments/s meanwhile": lambda each: f"{each.measured.speed.rate:,.0f}",
        "processors: gunicorn": lambda each: f"{each.processors('gunicorn'):.2f}",
        "the store": lambda each: f"{each.processors('store'):.2f}",
        "the load": lambda each: f"{each.processors('load'):.2f}",
    }
    return [
        ("", *columns),
        *(
            (
                f"{each.measured.target}: {where(each.measured.cell)}",
                *(figure(each) for figure in columns.values()),
            )
            for each in profiles
        ),
    ]


def _percent_of(each: Profile, part: str) -> str:
    return f"{each.share_of(part):.0%}"


def main() -> None:
    """Profile all subjects, print the table, and put it into docs/benchmarks.md."""
    known = facts([])
    chosen = list(dict.fromkeys(target for target, _ in SUBJECTS))
    profiles: list[Profile] = []
    with stand(chosen, workers=(1, 2), threads=64) as ready:
        for target, cell in SUBJECTS:
            if target.app.store == ELASTICSEARCH:
                ready.put_load_on(target, cell, Dose(seconds=PREPARE))
        for target, cell in SUBJECTS:
            click.echo(f"{target.name}, {where(cell)}", err=True)
            maximum = ready.measure(
                target, replace(cell, share=0.0), Dose(seconds=2 * WARM_UP, warm_up=WARM_UP), repeat=1
            )
            profiles.append(profile(ready, target, cell, rate=cell.share * maximum.speed.rate))
        known["versions"] += dict.fromkeys(store.version for store in ready.stores.values())
    table = tables.in_markdown(rows(profiles))
    click.echo(table, nl=False)
    demand_commit(known)
    noted = f"{table}\n{sentence(known)}; {LOOKS} looks a second for {LOOKING:.0f} s each.\n"
    pages.put(noted, page=pages.DOCS / "benchmarks.md", begin="<!-- Written by `make profile`. -->")
