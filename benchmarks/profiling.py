"""What workers do under load, by what the code belongs to: why a goal for a rate is not reached.

The targets of a cell are measured in turn, and in between their workers are sampled under the same load, for which part
of them holds Python's lock (`benchmarks.sampling`). To be sampled slows a worker down, so that what it does otherwise
stands beside: its rate and the processor time of an increment, with the calls of the system and the waking of threads,
for which nobody holds the lock. What requests wait for, and the slowest of them, is another matter
(`benchmarks.watching`).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from itertools import product
from statistics import fmean
from typing import Final, TypeVar

import click

from benchmarks import load, pages, ratios, sampling, tables
from benchmarks.errors import BenchmarkError
from benchmarks.figures import RATE, Cell, Measurement
from benchmarks.load import MICROSECONDS, Answer, Dose, Outcome
from benchmarks.machine import demand_commit, facts, sentence
from benchmarks.ratios import CROWDED, OF_BARE, where
from benchmarks.running import Plan
from benchmarks.sampling import PARTS, REST, Samples
from benchmarks.stand import Stand, prepare, stand
from benchmarks.targets import (
    AS_TASKS,
    BARE,
    LOGGING_STACK,
    REDIS,
    REDIS_ALWAYS,
    Target,
    strategies,
)

TURNS: Final = 4
"""How often the targets of a cell are measured and sampled: an even number, for each second turn goes backwards."""
WARM_UP: Final = 1.0
"""Seconds of load each time before anything counts."""
MEASURING: Final = 1.5
"""Seconds of load that are measured each time."""

PREPARE: Final = 360.0
"""Seconds of load before anything counts, on those that Elasticsearch is behind."""

PAGE: Final = pages.DOCS / "benchmarks.md"
PLACE: Final = "<!-- Written by `make profile`. -->"

OF_THE_SERVICE: Final = {target.name: target for target in strategies()}
SCRIPTED: Final = OF_THE_SERVICE[ratios.SCRIPTED]
BATCHED: Final = OF_THE_SERVICE[ratios.BATCHED]
SYNCED_REDIS: Final = next(target for target in REDIS if target.app.store == REDIS_ALWAYS)
CROWDS: Final = tuple(
    Cell(workers=workers, connections=connections, counters=1)
    for workers, connections in product(OF_BARE, CROWDED)
)
"""Where the service has to be fast, on one counter; on many of them, too."""
ON_ONE_COUNTER: Final = (BARE, AS_TASKS, LOGGING_STACK, SYNCED_REDIS, BATCHED)
"""What is looked at there: `/batched`, the service's path, and what they are compared with."""
LONE_CLIENTS: Final = tuple(Cell(workers=workers, connections=1, counters=1) for workers in OF_BARE)
SUBJECTS: Final[Mapping[Cell, Sequence[Target]]] = {
    **dict.fromkeys(LONE_CLIENTS, (SCRIPTED, BATCHED)),
    **dict.fromkeys(CROWDS, ON_ONE_COUNTER),
    **dict.fromkeys([replace(cell, counters=1000) for cell in CROWDS], (SCRIPTED, BATCHED)),
}
"""What is sampled, in closed loops: where a goal is not reached for certain, and what it is compared with there."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sampled:
    """Samples of all workers of a target, and how many increments a second they did meanwhile."""

    workers: Sequence[Samples]
    rate: float


@dataclass(frozen=True, slots=True)
class Profile:
    """What workers do under load.

    Attributes:
        target: Whose they are.
        cell: The circumstances.
        measured: Unseen, some times.
        sampled: In between, under the same load.
    """

    target: Target
    cell: Cell
    measured: list[Measurement] = field(default_factory=list)
    sampled: list[Sampled] = field(default_factory=list)

    @property
    def rate_meanwhile(self) -> float:
        """Increments a second while they were sampled, on average: those that the samples belong to."""
        return fmean(each.rate for each in self.sampled)

    @property
    def samples(self) -> Sequence[Samples]:
        """Those of each worker, each time."""
        return [samples for sampled in self.sampled for samples in sampled.workers]

    def lock_microseconds(self, *parts: str) -> float:
        """Return for how long parts held a lock for an increment."""
        locks = sum(samples.share(parts) for samples in self.samples) / len(self.sampled)
        return MICROSECONDS * locks / self.rate_meanwhile

    def cpu_microseconds(self, group: str) -> Sequence[float]:
        """Return the CPU time that a group of processes took for an increment, unseen, each time."""
        return [1000 * each.milliseconds_of(group) for each in self.measured]


def profiles_of(ready: Stand, cell: Cell, chosen: Sequence[Target]) -> list[Profile]:
    """Put load on targets in turn, to measure each and to sample its workers.

    Args:
        ready: Has them.
        cell: The circumstances: a closed loop.
        chosen: The targets.

    Raises:
        BenchmarkError: One cannot be measured, or py-spy failed: it may have to be root.
    """
    profiles = [Profile(target, cell) for target in chosen]
    for turn, each in in_turn(profiles, TURNS):
        dose = Dose(seconds=WARM_UP + MEASURING, warm_up=WARM_UP)
        each.measured.append(ready.measure(each.target, cell, dose, repeat=turn))
        each.sampled.append(sampled(ready, each.target, cell))
    return profiles


def in_turn(subjects: Sequence[T], turns: int) -> Iterator[tuple[int, T]]:
    """Give each subject in each turn, with the number of that, from 1 on; each second turn goes backwards."""
    for turn in range(1, turns + 1):
        for subject in subjects if turn % 2 else reversed(subjects):
            yield turn, subject


def sampled(ready: Stand, target: Target, cell: Cell) -> Sampled:
    """Put load on a target and sample its workers, all at the same time.

    Raises:
        BenchmarkError: It answered nothing, or py-spy failed.
    """
    workers = ready.workers(target, cell)
    dose = Dose(seconds=WARM_UP + sampling.STARTING + sampling.SECONDS)
    with ThreadPoolExecutor(1 + len(workers)) as pool:
        sending = pool.submit(ready.put_load_on, target, cell, dose)
        time.sleep(WARM_UP)
        samples = [*pool.map(sampling.sample, workers)]
    rate = rate_until(min(each.ended for each in samples), sending.result().answers)
    if not rate:
        raise BenchmarkError(f"{target.name} answered nothing while its workers were sampled.")
    return Sampled(samples, rate)


def rate_until(until: float, answers: Iterable[Answer]) -> float:
    """Return how many increments a second were acknowledged until then, for as long as workers are sampled on average.

    Args:
        until: In seconds on the monotonic clock.
        answers: To all requests.
    """
    begin, end = (MICROSECONDS * moment for moment in (until - sampling.SECONDS, until))
    acknowledged = [each for each in answers if each.outcome is Outcome.ACKNOWLEDGED]
    return sum(begin <= each.ended < end for each in acknowledged) / sampling.SECONDS


def rows(profiles: Iterable[Profile]) -> list[tables.Row]:
    """Return a row for each profile: for how many microseconds each part holds Python's lock for an increment.

    Then of how many samples how many found a lock held (each worker has a lock of its own), and the rate meanwhile;
    then what was measured unseen, medians (least to most): the rate, and the CPU time of an increment by processes.
    """
    columns: dict[str, Callable[[Profile], str]] = {
        **{part: partial(_lock_microseconds, part=part) for part in (*PARTS, REST)},
        "the lock in all": lambda each: f"{each.lock_microseconds(*PARTS, REST):,.0f}",
        "found held": _found_held,
        f"{RATE} meanwhile": lambda each: f"{each.rate_meanwhile:,.0f}",
        f"{RATE} unseen": lambda each: tables.spread_of((of.speed.rate for of in each.measured), "{:,.0f}"),
        "CPU µs unseen: gunicorn": partial(_cpu_microseconds, group="gunicorn"),
        "store": partial(_cpu_microseconds, group="store"),
        "load": partial(_cpu_microseconds, group="load"),
    }
    return [
        ("", *columns),
        *(
            (f"{each.target.name}: {where(each.cell)}", *(figure(each) for figure in columns.values()))
            for each in profiles
        ),
    ]


def _lock_microseconds(each: Profile, part: str) -> str:
    return f"{each.lock_microseconds(part):,.0f}"


def _cpu_microseconds(each: Profile, group: str) -> str:
    return tables.spread_of(each.cpu_microseconds(group), "{:,.0f}")


def _found_held(each: Profile) -> str:
    held = sum(samples.held.total() for samples in each.samples)
    return f"{held} of {sum(samples.number for samples in each.samples):,} samples"


def main() -> None:
    """Profile all subjects, print the table, and put it into docs/benchmarks.md."""
    document(
        SUBJECTS,
        _profiled,
        place=PLACE,
        how=(
            f"{TURNS} times {MEASURING:g} s unseen and {sampling.SECONDS} s with {sampling.RATE} samples a second of"
            " each worker"
        ),
        programs=[f"py-spy {version('py-spy')}"],
    )


def _profiled(ready: Stand) -> list[tables.Row]:
    profiles: list[Profile] = []
    for cell, chosen in SUBJECTS.items():
        click.echo(where(cell), err=True)
        profiles += profiles_of(ready, cell, chosen)
    return rows(profiles)


def document(
    subjects: Mapping[Cell, Sequence[Target]],
    measured: Callable[[Stand], Sequence[tables.Row]],
    *,
    place: str,
    how: str,
    programs: Iterable[str] = (),
) -> None:
    """Measure subjects, print the table, and put it into docs/benchmarks.md.

    Args:
        subjects: Targets by cell.
        measured: Makes the table, on a stand that is prepared for them.
        place: The line of the page at which the table's place begins.
        how: It is measured, in words.
        programs: That it takes besides, with their versions.

    Raises:
        BenchmarkError: The code is not committed, the page has no such place, or something cannot be measured.
    """
    known = facts([load.version(), *programs])
    demand_commit(known)
    pages.demand_place(PAGE, place)
    pairs = [(target, cell) for cell, chosen in subjects.items() for target in chosen]
    everything = dict.fromkeys(target for target, _ in pairs)
    with stand([*everything], workers=OF_BARE, threads=Plan().threads) as ready:
        prepare(ready, pairs, seconds=PREPARE)
        table = tables.in_markdown(measured(ready))
        known["versions"] += dict.fromkeys(store.version for store in ready.stores.values())
    shown = f"{table}\n{sentence(known)}; {how}.\n"
    click.echo(shown, nl=False)
    pages.put(shown, page=PAGE, begin=place)
