"""What a worker does under load, by what the code belongs to: why a goal is not reached.

py-spy stops a worker some times a second to see which of its threads holds Python's lock, and where, while the worker
is under the load of `make bench`. What the standard library does counts for its caller. Beside that stands what the
system accounts for under the same load when nobody looks: the processor time of a request, with the calls of the system
and the waking of threads, for which nobody holds the lock.

To be stopped slows a worker down, the more threads it has and the more often, so that such figures are those of a
measurement before. Not to stop it (``--nonblocking``) is no way: half of the looks fail then, and more of those at what
changes fast.
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
from benchmarks.ratios import CROWDED, OF_BARE, where
from benchmarks.stand import Stand, stand
from benchmarks.targets import AS_TASKS, BARE, ELASTICSEARCH, LOGGING_STACK, REDIS, Target, strategies

LOOKS: Final = 31
"""A second: a number that nothing else goes by, and few enough that looking does not change much."""
WARM_UP: Final = 3.0
"""Seconds of load before anything counts."""
MEASURING: Final = 6.0
"""Seconds for which it is measured, and nobody looks."""
LOOKING: Final = 15.0
"""Seconds for which it is looked at."""
STARTING: Final = 2.0
"""Seconds that py-spy may take to begin."""
PREPARE: Final = 15.0
"""Seconds of load on each subject that Elasticsearch is behind before anything counts, for its JVM."""

*_, SCRIPTED, BATCHED = strategies()
SYNCED_REDIS: Final = REDIS[0]
CROWDS: Final = [(workers, connections) for workers in OF_BARE for connections in CROWDED]
SUBJECTS: Final = (
    *((target, Cell(workers=1, connections=1, counters=1)) for target in (SCRIPTED, BATCHED)),
    *(
        (target, Cell(workers=workers, connections=connections, counters=1))
        for workers, connections in CROWDS
        for target in (BARE, LOGGING_STACK, SYNCED_REDIS, BATCHED)
    ),
    (AS_TASKS, Cell(workers=1, connections=32, counters=1)),
    *(
        (target, Cell(workers=workers, connections=connections, counters=1000))
        for workers, connections in CROWDS
        for target in (SCRIPTED, BATCHED)
    ),
    *(
        (target, Cell(workers=workers, connections=max(CROWDED), counters=1, share=0.5))
        for workers in OF_BARE
        for target in (BARE, BATCHED)
    ),
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
    """What a worker does under load.

    Attributes:
        measured: While nobody looked.
        looked_at: Under the same load, meanwhile.
        seen: How often each part was at work then.
    """

    measured: Measurement
    looked_at: Measurement
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
    """Put load on a target, first to measure it, and then to look at one of its workers.

    Args:
        ready: Has it.
        target: What is under load.
        cell: The circumstances.
        rate: Requests that are due a second; 0 for a closed loop.

    Raises:
        BenchmarkError: py-spy failed: it may have to be root.
    """
    measured = ready.measure(
        target, cell, Dose(seconds=WARM_UP + MEASURING, warm_up=WARM_UP, rate=rate), repeat=1
    )
    master = psutil.Process(ready.services[target.app.name, cell.workers].process.pid)
    worker = min(child.pid for child in master.children())
    with tempfile.TemporaryDirectory(prefix="profile-") as folder, ThreadPoolExecutor(1) as pool:
        stacks = Path(folder, "stacks")
        command = [
            *(str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(worker), "--gil"),
            *("--rate", str(LOOKS), "--duration", f"{LOOKING:.0f}"),
            *("--format", "raw", "--full-filenames", "--output", str(stacks)),
        ]
        dose = Dose(seconds=WARM_UP + STARTING + LOOKING, warm_up=WARM_UP, rate=rate)
        measuring = pool.submit(ready.measure, target, cell, dose, repeat=2)
        time.sleep(WARM_UP)
        spied = subprocess.run(command, capture_output=True, text=True, check=False)
        looked_at = measuring.result()
        if spied.returncode != 0:
            raise BenchmarkError(f"py-spy failed; it may have to be run as root: {spied.stderr.strip()}")
        return Profile(measured, looked_at, parts_of(stacks.read_text("utf-8").splitlines()))


def rows(profiles: Sequence[Profile]) -> list[tables.Row]:
    """Return a row for each profile: what each part has of the time for which Python's lock is held.

    Then for how much of the time that of the one worker is held, and the figures of all workers together: the rate
    while one was looked at, and what was measured when none was.
    """
    columns: dict[str, Callable[[Profile], str]] = {
        **{part: partial(_percent_of, part=part) for part in (*PARTS, REST)},
        "the lock is held": lambda each: f"{each.locked:.0%}",
        "increments/s meanwhile": lambda each: f"{each.looked_at.speed.rate:,.0f}",
        "unseen": lambda each: f"{each.measured.speed.rate:,.0f}",
        "CPU of an increment": lambda each: f"{1000 * each.measured.milliseconds_of('gunicorn'):,.0f} µs",
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


def _maximum_of(ready: Stand, target: Target, cell: Cell) -> float:
    """Return how many increments a second it does in a closed loop."""
    dose = Dose(seconds=WARM_UP + MEASURING, warm_up=WARM_UP)
    return ready.measure(target, replace(cell, share=0.0), dose, repeat=1).speed.rate


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
            rate = cell.share * _maximum_of(ready, target, cell) if cell.share else 0.0
            profiles.append(profile(ready, target, cell, rate=rate))
        known["versions"] += dict.fromkeys(store.version for store in ready.stores.values())
    table = tables.in_markdown(rows(profiles))
    click.echo(table, nl=False)
    demand_commit(known)
    times = f"{LOOKS} looks a second for {LOOKING:.0f} s, after {MEASURING:.0f} s without"
    noted = f"{table}\n{sentence(known)}; {times}.\n"
    pages.put(noted, page=pages.DOCS / "benchmarks.md", begin="<!-- Written by `make profile`. -->")
