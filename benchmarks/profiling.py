"""What a worker does under load, by what the code belongs to: why a goal is not reached.

py-spy looks a hundred times a second at which of a worker's threads holds Python's lock, and what it is doing, while
the worker is under the load of `make bench`. What the standard library does counts for its caller. Beside that stands
what the system accounts for meanwhile: the processor time of a request, with the calls of the system and the waking of
threads, for which nobody holds the lock.

python -m localnode run --ephemeral -- python -m benchmarks.profiling        # what `make profile` does
"""

import datetime as dt
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import click
import psutil

from benchmarks import pages, tables
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell, Measurement
from benchmarks.load import Dose
from benchmarks.machine import facts, sentence
from benchmarks.stand import Stand, stand
from benchmarks.targets import AS_TASKS, BARE, STACK, Target, strategies

LOOKS: Final = 97
"""A second: a number that nothing else goes by."""
SECONDS: Final = 15.0
"""Of load; py-spy looks for less than that, and begins when it begins."""
WARM_UP: Final = 2.0
LOOKING: Final = SECONDS - WARM_UP

BATCHED: Final = strategies()[-1]
SUBJECTS: Final = (
    (BARE, Cell(workers=1, connections=32, counters=1)),
    (AS_TASKS, Cell(workers=1, connections=32, counters=1)),
    (STACK[0], Cell(workers=1, connections=32, counters=1)),
    (BATCHED, Cell(workers=1, connections=32, counters=1)),
    (BATCHED, Cell(workers=1, connections=32, counters=1, share=0.5)),
    (BATCHED, Cell(workers=1, connections=32, counters=1000)),
    (BATCHED, Cell(workers=2, connections=32, counters=1)),
)
"""What is looked at. One at a part of its maximum comes after that in which the maximum is found."""

PARTS: Final[Mapping[str, Sequence[str]]] = {
    "Flask, Werkzeug and what extends them": (
        "/flask",
        "/werkzeug/",
        "/webargs/",
        "/marshmallow/",
        "/apispec/",
    ),
    "gunicorn": ("/gunicorn/",),
    "the service's part of the server": ("service/server/", "service/tasks.py", "/gunicorn.conf.py"),
    "the client of Elasticsearch": ("/elasticsearch/", "/elastic_transport/", "/urllib3/"),
    "storage": ("service/storage/",),
    "strategies": ("service/strategies/", "service/retries.py"),
    "views and contract": ("service/api/", "benchmarks/routes/", "service/app.py"),
    "metrics": ("service/metrics.py", "/prometheus_client/"),
    "log": ("service/logs.py", "/structlog/", "service/effort.py"),
}
"""Of each part of a worker what the names of its files have in them."""

REST: Final = "the rest"


def part_of(stack: str) -> str:
    """Return what a stack's innermost frame belongs to: the part that the standard library was called by.

    Args:
        stack: Frames from the outermost to the innermost, as ``name (file:line)``, with ";" between.
    """
    for frame in reversed(stack.split(";")):
        for part, marks in PARTS.items():
            if any(mark in frame for mark in marks):
                return part
    return REST


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
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        stacks = Path(folder, "stacks")
        command = [
            *(str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(worker)),
            *("--rate", str(LOOKS), "--duration", f"{LOOKING:.0f}", "--gil"),
            *("--format", "raw", "--full-filenames", "--output", str(stacks)),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as spying:
            measured = ready.measure(
                target, cell, Dose(seconds=SECONDS, warm_up=WARM_UP, rate=rate), repeat=1
            )
            said = spying.communicate()[0]
        if spying.returncode != 0:
            raise BenchmarkError(f"py-spy failed; it may have to be run as root: {said.strip()}")
        return Profile(measured, parts_of(stacks.read_text("utf-8").splitlines()))


def rows(profiles: Sequence[Profile]) -> list[tables.Row]:
    """Return a row for each part, in percent of the time for which Python's lock is held, and a column a profile."""
    figures: dict[str, Callable[[Profile], str]] = {
        **{part: partial(_percent_of, part=part) for part in (*PARTS, REST)},
        "Python's lock is held, of the time": lambda each: f"{each.locked:.0%}",
        "processor time of an increment": lambda each: (
            f"{1000 * each.measured.milliseconds_of('gunicorn'):,.0f} µs"
        ),
        "increments/s meanwhile": lambda each: f"{each.measured.speed.rate:,.0f}",
        "processors busy with gunicorn": lambda each: f"{each.processors('gunicorn'):.2f}",
        "with all, the store and the load too": lambda each: (
            f"{each.processors('gunicorn', 'store', 'load'):.2f}"
        ),
    }
    head = [f"{each.measured.target}: {_where(each.measured.cell)}" for each in profiles]
    return [
        ("", *head),
        *((name, *(figure(each) for each in profiles)) for name, figure in figures.items()),
    ]


def _percent_of(each: Profile, part: str) -> str:
    return f"{each.share_of(part):.0%}"


def _where(cell: Cell) -> str:
    counters = f", {cell.counters:,} counters" if cell.counters > 1 else ""
    share = f", {cell.share:.0%} of its maximum" if cell.share else ""
    return f"{cell.workers} worker{'s' * (cell.workers > 1)}{counters}{share}"


def main() -> None:
    """Profile all subjects, print the table, and put it into docs/benchmarks.md."""
    chosen = list(dict.fromkeys(target for target, _ in SUBJECTS))
    profiles: list[Profile] = []
    with stand(chosen, workers=(1, 2), threads=64) as ready:
        for target, cell in SUBJECTS:
            rate = cell.share * profiles[-1].measured.speed.rate if cell.share else 0.0
            click.echo(f"{target.name}, {_where(cell)}", err=True)
            ready.put_load_on(target, cell, Dose(seconds=WARM_UP * 2))
            profiles.append(profile(ready, target, cell, rate=rate))
        version = ready.elasticsearch.version
    table = tables.in_markdown(rows(profiles))
    click.echo(table, nl=False)
    when = sentence(facts(dt.datetime.now(dt.UTC).date(), [version]))
    noted = f"{table}\n{when}; 32 connections, {LOOKS} looks a second for {LOOKING:.0f} s each.\n"
    pages.put(noted, page=pages.DOCS / "benchmarks.md", begin="<!-- Written by `make profile`. -->")


if __name__ == "__main__":
    main()
