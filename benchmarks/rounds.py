"""Rounds: each goes through all variants, so that what disturbs the machine disturbs all of them; the median counts."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import click

from benchmarks.errors import BenchmarkError
from benchmarks.figures import ENOUGH

ROUNDS: Final = 3
SECONDS: Final = 3.0
"""For which a variant is measured in a round, after a third of that in which it is not."""

ALL_SECONDS: Final = SECONDS * 4 / 3
"""Both together."""

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a variant came to: calls a second, conflicts a call, seconds that one took, and how many failed."""

    rate: float
    conflicts: float
    p50: float
    p99: float
    failed: int = 0


def figures_of(
    times: Sequence[tuple[float, float]], *, start: float, conflicts: int, failed: int = 0
) -> Figures:
    """Sum up the calls of a round.

    The rate is of those that ended while it was measured, and the times are of those that began then, however long each
    took: the slowest are under way at the end.

    Args:
        times: When each began and ended, in seconds.
        start: When the round began, likewise.
        conflicts: How many all of them have met.
        failed: How many failed, besides.

    Raises:
        BenchmarkError: There were too few to say anything.
    """
    begin, end = start + SECONDS / 3, start + ALL_SECONDS
    took = [ended - began for began, ended in times if begin <= began < end]
    if len(took) < ENOUGH:
        raise BenchmarkError(
            f"Of {len(times) + failed} calls only {len(times)} succeeded, too few to say how fast."
        )
    rate = sum(begin <= ended < end for _, ended in times) / (end - begin)
    percentiles = statistics.quantiles(took, n=100, method="inclusive")
    return Figures(rate, conflicts / len(times), percentiles[49], percentiles[98], failed)


def measured(variants: Iterable[V], measure: Callable[[V], Figures], *, name: str) -> dict[V, Figures]:
    """Measure variants, round by round, and return the median of each figure, but the sum of failures.

    The first round does not count: Elasticsearch's JVM compiles what is used much.
    """
    rounds: dict[V, list[Figures]] = {variant: [] for variant in variants}
    for number in range(ROUNDS + 1):
        click.echo(f"{name}, {f'round {number} of {ROUNDS}' if number else 'warming up'}", err=True)
        for variant, figures in rounds.items():
            figures.append(measure(variant))
    return {variant: _medians(figures[1:]) for variant, figures in rounds.items()}


def _medians(rounds: Sequence[Figures]) -> Figures:
    columns = zip(*((each.rate, each.conflicts, each.p50, each.p99) for each in rounds), strict=True)
    rate, conflicts, p50, p99 = map(statistics.median, columns)
    return Figures(rate, conflicts, p50, p99, sum(each.failed for each in rounds))
