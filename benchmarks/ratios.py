"""The goals: ratios of medians within one run, which say more than figures that depend on the machine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final

from benchmarks.figures import RATE, Cell, Measurement, Results
from benchmarks.targets import LOGGING_STACK

BATCHED: Final = "batched"
SCRIPTED: Final = "scripted"
NO_BACKOFF: Final = "occ, no backoff"
CROWDED: Final = (32, 64)
"""Connections at which the service has to be fast."""

OF_BARE: Final = {1: 0.90, 2: 0.70}
"""What part of the bare route's rate the batched strategy has to reach, by number of workers."""

Figure = Callable[[Measurement], float]


def _rate(each: Measurement) -> float:
    return each.speed.rate


def _p50(each: Measurement) -> float:
    return each.speed.p50


def _p99(each: Measurement) -> float:
    return each.speed.p99


def _cpu(each: Measurement) -> float:
    return each.milliseconds_of("gunicorn", "store")


def _path(each: Measurement) -> float:
    return each.milliseconds_of("gunicorn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio of two medians, and its goal: to be ``bound`` at least, or ``at_most``.

    It is the ``figure`` of ``target`` by that of ``other``, under the circumstances that ``where`` tells; if these are
    not the same for both, their names tell the rest. ``quartiles`` are those of the same ratio within each round, the
    median in the middle; None if there were not several. ``kept_up`` says whether both sides came at the rate that they
    were asked for, if they were for one.
    """

    target: str
    other: str
    figure: str
    where: str
    value: float
    bound: float
    at_most: bool = False
    quartiles: tuple[float, float, float] | None = None
    kept_up: bool = True

    @property
    def name(self) -> str:
        """What is compared."""
        return f"{self.target} ÷ {self.other}, {self.figure}"

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached.

        None if that was measured only once, the rounds between the quartiles disagree, or a side did not keep up.
        """
        if self.quartiles is None or not self.kept_up:
            return None
        verdicts = {self._reaches(value) for value in (self.value, *self.quartiles)}
        return verdicts.pop() if len(verdicts) == 1 else None

    def _reaches(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound

    @property
    def goal(self) -> str:
        """The goal in signs."""
        return f"{'≤' if self.at_most else '≥'} {self.bound:.2f}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two targets, the figure in which they are compared, by its name, and the goal as in `Ratio`."""

    target: str
    other: str
    figure: str
    of: Figure
    bound: float
    at_most: bool = False


def ratios_of(results: Results) -> list[Ratio]:
    """Return all ratios whose two sides have been measured."""
    compared = [(comparison, cell) for cell in results.cells for comparison in _comparisons(cell)]
    # By what is compared, in the order of the first cell that it is compared in; then by cell.
    names = list(dict.fromkeys((each.target, each.other, each.figure) for each, _ in compared))
    compared.sort(key=lambda pair: names.index((pair[0].target, pair[0].other, pair[0].figure)))
    ratios = [_ratio(results, comparison, cell) for comparison, cell in compared]
    return [*(ratio for ratio in ratios if ratio is not None), *_growth(results)]


def _comparisons(cell: Cell) -> Iterator[Comparison]:
    """Give what is compared in a cell."""
    is_crowded = cell.connections in CROWDED and not cell.share
    is_hot = cell.counters == 1
    if is_crowded and is_hot:
        if cell.workers in OF_BARE:
            yield Comparison(BATCHED, "bare", RATE, _rate, OF_BARE[cell.workers])
        for peer in ("postgres", "redis-always"):
            yield Comparison(BATCHED, peer, RATE, _rate, 1.3)
        yield Comparison(
            LOGGING_STACK.name, "bare", "CPU of gunicorn an increment", _path, 1.15, at_most=True
        )
        # Only measured with 32 connections.
        yield Comparison("occ", NO_BACKOFF, RATE, _rate, 3.0)
        yield Comparison("occ", NO_BACKOFF, "p99", _p99, 1.0, at_most=True)
    if is_crowded and not is_hot:
        yield Comparison(BATCHED, SCRIPTED, RATE, _rate, 3.0)
    if cell.share or (is_crowded and is_hot):
        yield Comparison(BATCHED, "bare", "p99", _p99, 2.0, at_most=True)
    if is_hot and cell.connections == 1 and not cell.share:
        yield Comparison(BATCHED, SCRIPTED, "p50", _p50, 1.1, at_most=True)


def _ratio(results: Results, compared: Comparison, cell: Cell) -> Ratio | None:
    """Return the ratio of two medians; None if one of them was not measured, or is 0."""
    ours, theirs = (results.of(target, cell) for target in (compared.target, compared.other))
    if not (ours and theirs and (there := median(map(compared.of, theirs)))):
        return None
    return Ratio(
        target=compared.target,
        other=compared.other,
        figure=compared.figure,
        where=where(cell),
        value=median(map(compared.of, ours)) / there,
        bound=compared.bound,
        at_most=compared.at_most,
        quartiles=_quartiles(ours, theirs, compared.of),
        kept_up=_kept_up(ours, theirs),
    )


def _kept_up(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> bool:
    """Return whether both sides did, in most rounds: one may have been disturbed by something else."""
    beside = {each.repeat for each in theirs if each.kept_up}
    return sum(each.kept_up and each.repeat in beside for each in ours) > len(ours) / 2


def _quartiles(
    ours: Sequence[Measurement], theirs: Sequence[Measurement], figure: Figure
) -> tuple[float, float, float] | None:
    """Return those of the ratios within rounds: in the next one the machine may be another."""
    beside = {each.repeat: figure(each) for each in theirs}
    ratios = [figure(each) / beside[each.repeat] for each in ours if beside.get(each.repeat)]
    if len(ratios) < 2:  # noqa: PLR2004 - one has no spread
        return None
    lower, middle, upper = quantiles(ratios, n=4, method="inclusive")
    return lower, middle, upper


def _growth(results: Results) -> Iterator[Ratio]:
    """Compare the most connections with the least: an answer's time may grow with them, CPU an increment may not."""
    hot = [cell for cell in results.cells if cell.counters == 1 and not cell.share]
    for workers in sorted({cell.workers for cell in hot}):
        same = [cell for cell in hot if cell.workers == workers]
        least, most = (select(same, key=lambda cell: cell.connections) for select in (min, max))
        if least == most:
            continue
        linear = most.connections / least.connections
        for name, figure, bound in (("p50", _p50, linear), ("CPU an increment", _cpu, 1.0)):
            here, there = (results.spread(BATCHED, cell, figure) for cell in (most, least))
            if here and there and there.median:
                yield Ratio(
                    target=f"{BATCHED}, {_counted(most.connections, 'connection')}",
                    other=f"{BATCHED}, {_counted(least.connections, 'connection')}",
                    figure=name,
                    where=_counted(workers, "worker"),
                    value=here.median / there.median,
                    bound=bound,
                    at_most=True,
                    quartiles=_quartiles(results.of(BATCHED, most), results.of(BATCHED, least), figure),
                )


def where(cell: Cell, *, briefly: bool = False) -> str:
    """Return the circumstances in words; without the counters and the load, if briefly."""
    counters = "one counter" if cell.counters == 1 else f"{cell.counters:,} counters"
    load = f", each at {cell.share:.0%} of its maximum" if cell.share else ""
    brief = f"{_counted(cell.workers, 'worker')}, {_counted(cell.connections, 'connection')}"
    return brief if briefly else f"{brief}, {counters}{load}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
