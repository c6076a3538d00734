"""What a worker does under load, by what the code belongs to: why a goal is not reached.

py-spy stops a worker 31 times a second to see which of its threads holds Python's lock, and where, while the worker is
under the load of `make bench`. What the standard library does counts for its caller. Beside that stands what the system
accounts for under the same load while nobody looks: the processor time of a request, with the calls of the system and
the waking of threads, for which nobody holds the lock.

To be stopped slows a worker down, the more threads it has and the more often, so the processor time is measured before.
Not to stop it (py-spy's ``--nonblocking``) is no way: its looks fail more often at what changes fast.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Final

import click
import psutil

from benchmarks import pages, ratios, tables
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell, Measurement
from benchmarks.load import Dose
from benchmarks.machine import demand_commit, facts, sentence
from benchmarks.ratios import CROWDED, OF_BARE, RATE, where
from benchmarks.running import Plan, due
from benchmarks.stand import Stand, stand
from benchmarks.targets import AS_TASKS, BARE, ELASTICSEARCH, LOGGING_STACK, REDIS, Target, strategies

LOOKS: Final = 31
"""A second: a number that nothing else goes by. With 97 some targets did half of what they do unseen."""
WARM_UP: Final = 3.0
"""Seconds of load before anything counts."""
MEASURING: Final = 6.0
"""Seconds for which it is measured, and nobody looks."""
LOOKING: Final = 15.0
"""Seconds for which it is looked at."""
STARTING: Final = 2.0
"""Seconds that py-spy may take to begin, in which load goes on."""
PREPARE: Final = 15.0
"""Seconds of load on each subject that Elasticsearch is behind before anything counts, for its JVM."""

FAILED_LOOKS: Final = re.compile(r"Errors: (\d+)")
"""What py-spy says in the end."""

OF_THE_SERVICE: Final = {target.name: target for target in strategies()}
SCRIPTED: Final = OF_THE_SERVICE[ratios.SCRIPTED]
BATCHED: Final = OF_THE_SERVICE[ratios.BATCHED]
SYNCED_REDIS: Final = REDIS[0]
CROWDS: Final = tuple(product(OF_BARE, CROWDED))
"""Numbers of workers and connections with which the service has to be fast."""
SUBJECTS: Final = (
    *(
        (target, Cell(workers=workers, connections=1, counters=1))
        for workers in OF_BARE
        for target in (SCRIPTED, BATCHED)
    ),
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
"""What is looked at: where a goal is not reached for certain, and what it is compared with there."""

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
class Looks:
    """What a worker was seen doing: how often each part held Python's lock, in so many looks."""

    seen: Counter[str]
    number: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What workers do under load.

    Attributes:
        measured: All of them, while nobody looked.
        looked_at: All of them under the same load, while one was looked at.
        looks: What that one was seen doing.
    """

    measured: Measurement
    looked_at: Measurement
    looks: Looks

    def microseconds_of(self, *parts: str) -> float:
        """Return for how long parts hold the lock for an increment, of any worker."""
        held = sum(self.looks.seen[part] for part in parts) / self.looks.number
        return 10**6 * held * self.looked_at.cell.workers / self.looked_at.speed.rate

    def processors(self, group: str) -> float:
        """Return how many processors a group of processes keeps busy while nobody looks."""
        return self.measured.speed.rate * self.measured.milliseconds_of(group) / 1000


def profile(ready: Stand, target: Target, cell: Cell) -> Profile:
    """Put load on a target, first to measure it, and then to look at one of its workers.

    Args:
        ready: Has it.
        target: What is under load.
        cell: The circumstances.

    Raises:
        BenchmarkError: It cannot be measured, or py-spy failed: it may have to be root.
    """
    rate = 0.0
    if cell.share:
        closed = Dose(seconds=WARM_UP + MEASURING, warm_up=WARM_UP)
        maximum = ready.measure(target, replace(cell, share=0.0), closed, repeat=1)
        rate = due(cell.share, maximum.speed.rate)
    dose = Dose(seconds=WARM_UP + MEASURING, warm_up=WARM_UP, rate=rate)
    measured = ready.measure(target, cell, dose, repeat=1)
    longer = replace(dose, seconds=WARM_UP + STARTING + LOOKING)
    master = psutil.Process(ready.services[target.app.name, cell.workers].process.pid)
    worker, *_ = sorted(child.pid for child in master.children())
    with ThreadPoolExecutor(1) as pool:
        measuring = pool.submit(ready.measure, target, cell, longer, repeat=2)
        time.sleep(WARM_UP)
        looks = look(worker)
        return Profile(measured, measuring.result(), looks)


def look(pid: int) -> Looks:
    """Look at a worker for `LOOKING` seconds.

    Args:
        pid: Its process.

    Raises:
        BenchmarkError: py-spy failed: it may have to be root. Or the worker ended, or the load before it had looked.
    """
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        stacks = Path(folder, "stacks")
        command = [
            *(str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--gil"),
            *("--rate", str(LOOKS), "--duration", f"{LOOKING:.0f}"),
            *("--format", "raw", "--full-filenames", "--output", str(stacks)),
        ]
        began = time.monotonic()
        spied = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
        said = spied.stdout + spied.stderr
        if spied.returncode != 0:
            raise BenchmarkError(f"py-spy failed; it may have to be run as root: {said.strip()}")
        if abs(seconds - LOOKING) > STARTING:
            raise BenchmarkError(f"py-spy took {seconds:.1f} s to look for {LOOKING:.0f} s: {said.strip()}")
        failed = sum(map(int, FAILED_LOOKS.findall(said)))
        return Looks(parts_of(stacks.read_text("utf-8").splitlines()), round(LOOKS * LOOKING) - failed)


def rows(profiles: Iterable[Profile]) -> list[tables.Row]:
    """Return a row for each profile: for how many microseconds each part holds Python's lock for an increment.

    Then how many looks found it held, and the rate of all workers while one of them was looked at; then what they did
    while nobody looked.
    """
    columns: dict[str, Callable[[Profile], str]] = {
        **{part: partial(_microseconds_of, part=part) for part in (*PARTS, REST)},
        "the lock in all": lambda each: f"{each.microseconds_of(*each.looks.seen):,.0f} µs",
        "held in looks": lambda each: f"{each.looks.seen.total()} of {each.looks.number}",
        f"{RATE} meanwhile": lambda each: f"{each.looked_at.speed.rate:,.0f}",
        f"{RATE} before": lambda each: f"{each.measured.speed.rate:,.0f}",
        "gunicorn's CPU": lambda each: f"{1000 * each.measured.milliseconds_of('gunicorn'):,.0f} µs",
        "processors: gunicorn": lambda each: f"{each.processors('gunicorn'):.2f}",
        "processors: store": lambda each: f"{each.processors('store'):.2f}",
        "processors: load": lambda each: f"{each.processors('load'):.2f}",
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


def _microseconds_of(each: Profile, part: str) -> str:
    return f"{each.microseconds_of(part):,.0f}"


def main() -> None:
    """Profile all subjects, print the table, and put it into docs/benchmarks.md."""
    known = facts([])
    chosen = list(dict.fromkeys(target for target, _ in SUBJECTS))
    profiles: list[Profile] = []
    with stand(chosen, workers=OF_BARE, threads=Plan().threads) as ready:
        for target, cell in SUBJECTS:
            if target.app.store == ELASTICSEARCH:
                ready.put_load_on(target, cell, Dose(seconds=PREPARE))
        for target, cell in SUBJECTS:
            click.echo(f"{target.name}, {where(cell)}", err=True)
            profiles.append(profile(ready, target, cell))
        known["versions"] += dict.fromkeys(store.version for store in ready.stores.values())
    table = tables.in_markdown(rows(profiles))
    click.echo(table, nl=False)
    demand_commit(known)
    times = f"{LOOKS} looks a second for {LOOKING:.0f} s, after {MEASURING:.0f} s without"
    noted = f"{table}\n{sentence(known)}; {times}.\n"
    pages.put(noted, page=pages.DOCS / "benchmarks.md", begin="<!-- Written by `make profile`. -->")
