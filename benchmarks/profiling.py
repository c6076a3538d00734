"""What workers do under load, by what the code belongs to: why a goal is not reached.

py-spy stops workers `LOOKS` times a second to see which thread of each holds Python's lock, and where, while they are
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
from statistics import median
from typing import Final

import click

from benchmarks import pages, ratios, tables
from benchmarks.errors import BenchmarkError
from benchmarks.figures import RATE, Cell, Measurement
from benchmarks.load import Dose
from benchmarks.machine import demand_commit, facts, sentence
from benchmarks.ratios import CROWDED, OF_BARE, where
from benchmarks.running import Plan, due
from benchmarks.stand import Stand, stand
from benchmarks.targets import AS_TASKS, BARE, ELASTICSEARCH, LOGGING_STACK, REDIS, Target, strategies

LOOKS: Final = 31
"""A second: a number that nothing else goes by. With 97 some targets did half of what they do unseen."""
WARM_UP: Final = 1.0
"""Seconds of load before anything counts."""
TURNS: Final = 3
"""How often each target of a cell is measured, in turn, before it is looked at."""
MEASURING: Final = 2.0
"""Seconds for which it is each time."""
LOOKING: Final = 12.0
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
ON_ONE_COUNTER: Final = (BARE, AS_TASKS, LOGGING_STACK, SYNCED_REDIS, BATCHED)
"""What is looked at with these: `/batched`, the service's path, and what they are compared with."""
SUBJECTS: Final[Mapping[Cell, Sequence[Target]]] = {
    **{Cell(workers=workers, connections=1, counters=1): (SCRIPTED, BATCHED) for workers in OF_BARE},
    **{
        Cell(workers=workers, connections=connections, counters=1): ON_ONE_COUNTER
        for workers, connections in CROWDS
    },
    **{
        Cell(workers=workers, connections=connections, counters=1000): (SCRIPTED, BATCHED)
        for workers, connections in CROWDS
    },
    **{
        Cell(workers=workers, connections=max(CROWDED), counters=1, share=0.5): (BARE, BATCHED)
        for workers in OF_BARE
    },
}
"""What is looked at: where a goal is not reached for certain, and what it is compared with there.

A cell at a part of the maximum comes after the one in which that is found.
"""

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
    """What workers were seen doing: how often each part held the lock of any of them, in so many looks at them all."""

    seen: Counter[str]
    number: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What workers do under load.

    Attributes:
        measured: While nobody looked, some times.
        looked_at: Under the same load, while they were looked at.
        looks: What they were seen doing.
    """

    measured: Sequence[Measurement]
    looked_at: Measurement
    looks: Looks

    @property
    def rate(self) -> float:
        """Increments a second while nobody looked."""
        return median(each.speed.rate for each in self.measured)

    def lock_microseconds(self, *parts: str) -> float:
        """Return for how long parts held a lock for an increment."""
        held = sum(self.looks.seen[part] for part in parts) / self.looks.number
        return 10**6 * held / self.looked_at.speed.rate

    def cpu_microseconds(self, group: str) -> float:
        """Return the CPU time that a group of processes took for an increment while nobody looked."""
        return 1000 * median(each.milliseconds_of(group) for each in self.measured)


def profiles_of(
    ready: Stand, cell: Cell, chosen: Sequence[Target], rates: Mapping[Target, float]
) -> list[Profile]:
    """Put load on targets in turn, to measure them, and then on each, to look at its workers.

    Args:
        ready: Has them.
        cell: The circumstances.
        chosen: The targets.
        rates: Requests that are due a second, for each target; 0 for a closed loop.

    Raises:
        BenchmarkError: One cannot be measured, or py-spy failed: it may have to be root.
    """
    doses = {
        target: Dose(seconds=WARM_UP + MEASURING, warm_up=WARM_UP, rate=rates[target]) for target in chosen
    }
    measured: dict[Target, list[Measurement]] = {target: [] for target in chosen}
    for turn in range(1, TURNS + 1):
        for target, dose in doses.items():
            measured[target].append(ready.measure(target, cell, dose, repeat=turn))
    profiles: list[Profile] = []
    for target, dose in doses.items():
        longer = replace(dose, seconds=WARM_UP + STARTING + LOOKING)
        with ThreadPoolExecutor(1) as pool:
            measuring = pool.submit(ready.measure, target, cell, longer, repeat=TURNS + 1)
            time.sleep(WARM_UP)
            looks = look(ready.services[target.app.name, cell.workers].process.pid)
        profiles.append(Profile(measured[target], measuring.result(), looks))
    return profiles


def look(pid: int) -> Looks:
    """Look at the workers of a gunicorn for `LOOKING` seconds.

    Args:
        pid: Its master's process.

    Raises:
        BenchmarkError: py-spy failed: it may have to be root. Or gunicorn ended, or the load before it had looked.
    """
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        stacks = Path(folder, "stacks")
        command = [
            *(str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid)),
            *("--subprocesses", "--gil"),
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

    Then how often a lock was seen held, which each worker has one of, and the rate meanwhile; then what was measured
    while nobody looked: the rate, and the CPU time of an increment by processes.
    """
    columns: dict[str, Callable[[Profile], str]] = {
        **{part: partial(_lock_microseconds, part=part) for part in (*PARTS, REST)},
        "the lock in all": lambda each: f"{each.lock_microseconds(*each.looks.seen):,.0f}",
        "seen held": lambda each: f"{each.looks.seen.total()} in {each.looks.number} looks",
        f"{RATE} meanwhile": lambda each: f"{each.looked_at.speed.rate:,.0f}",
        f"{RATE} unseen": lambda each: f"{each.rate:,.0f}",
        "CPU µs unseen: gunicorn": lambda each: f"{each.cpu_microseconds('gunicorn'):,.0f}",
        "store": lambda each: f"{each.cpu_microseconds('store'):,.0f}",
        "load": lambda each: f"{each.cpu_microseconds('load'):,.0f}",
    }
    return [
        ("", *columns),
        *(
            (
                f"{each.looked_at.target}: {where(each.looked_at.cell)}",
                *(figure(each) for figure in columns.values()),
            )
            for each in profiles
        ),
    ]


def _lock_microseconds(each: Profile, part: str) -> str:
    return f"{each.lock_microseconds(part):,.0f}"


def main() -> None:
    """Profile all subjects, print the table, and put it into docs/benchmarks.md."""
    known = facts([])
    everything = dict.fromkeys(target for chosen in SUBJECTS.values() for target in chosen)
    maxima: dict[tuple[Target, Cell], float] = {}
    profiles: list[Profile] = []
    with stand(everything, workers=OF_BARE, threads=Plan().threads) as ready:
        for cell, chosen in SUBJECTS.items():
            for target in chosen:
                if target.app.store == ELASTICSEARCH and not cell.share:  # the same as without
                    ready.put_load_on(target, cell, Dose(seconds=PREPARE))
        for cell, chosen in SUBJECTS.items():
            click.echo(where(cell), err=True)
            closed = replace(cell, share=0.0)
            rates = {
                target: due(cell.share, maxima[target, closed]) if cell.share else 0.0 for target in chosen
            }
            found = profiles_of(ready, cell, chosen, rates)
            maxima |= {(target, cell): each.rate for target, each in zip(chosen, found, strict=True)}
            profiles += found
        known["versions"] += dict.fromkeys(store.version for store in ready.stores.values())
    table = tables.in_markdown(rows(profiles))
    click.echo(table, nl=False)
    demand_commit(known)
    times = f"{TURNS} times {MEASURING:g} s unseen, then {LOOKS} looks a second for {LOOKING:g} s"
    noted = f"{table}\n{sentence(known)}; {times}.\n"
    pages.put(noted, page=pages.DOCS / "benchmarks.md", begin="<!-- Written by `make profile`. -->")
