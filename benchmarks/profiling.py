"""Where a worker's processor time goes under load, by what the code belongs to: why a goal is not reached.

py-spy looks a hundred times a second at what each thread of a worker is doing, while it is under the load of `make
bench`. What the standard library does counts for its caller. Of the processor time of a request, which the system
accounts for, each part gets as much as it was seen at work.

python -m localnode run --ephemeral -- python -m benchmarks.profiling        # what `make profile` does
"""

import datetime as dt
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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

LOOKS: Final = 100
"""A second."""
SECONDS: Final = 15.0
"""Of load, in all of which py-spy looks but the first."""
WARM_UP: Final = 2.0

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
    def microseconds(self) -> float:
        """The processor time of a request."""
        return 1000 * self.measured.milliseconds_of("gunicorn")

    def microseconds_of(self, part: str) -> float:
        """Return what a part has of that."""
        return self.microseconds * self.seen[part] / max(1, self.seen.total())


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
            *("--rate", str(LOOKS), "--duration", f"{SECONDS - WARM_UP:.0f}"),
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
    """Return a row for each part, in microseconds of an increment, and a column for each profile."""
    heads = [f"{each.measured.target}: {_where(each.measured.cell)}" for each in profiles]
    body = [(part, *(f"{each.microseconds_of(part):,.0f}" for each in profiles)) for part in (*PARTS, REST)]
    return [
        ("µs of an increment", *heads),
        *body,
        ("**all**", *(f"**{each.microseconds:,.0f}**" for each in profiles)),
        ("increments/s", *(f"{each.measured.speed.rate:,.0f}" for each in profiles)),
        (
            "processors at work: gunicorn's",
            *(f"{each.measured.speed.rate * each.microseconds / 10**6:.2f}" for each in profiles),
        ),
        (
            "all, with store and load",
            *(
                f"{each.measured.speed.rate * each.measured.milliseconds_of('gunicorn', 'store', 'load') / 1000:.2f}"
                for each in profiles
            ),
        ),
    ]


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
    noted = f"{table}\n{when}; 32 connections, {LOOKS} looks a second for {SECONDS - WARM_UP:.0f} s each.\n"
    pages.put(noted, page=pages.DOCS / "benchmarks.md", begin="<!-- Written by `make profile`. -->")


if __name__ == "__main__":
    main()
