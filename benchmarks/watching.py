"""What requests and the slowest of them wait for, where a goal is beside the bare route or of a lone client.

Targets are watched in turn, each a few times. Of each that turn is told in which the mean time of its slowest is the
median of all turns, as the goals are of medians.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from statistics import median
from typing import Final

import click

from benchmarks import slowest, tables
from benchmarks.figures import Cell
from benchmarks.load import Dose
from benchmarks.processors import demand_accounts
from benchmarks.profiling import CROWDS, LONE_CLIENTS, SCRIPTED, document, in_turn
from benchmarks.ratios import CROWDED, OF_BARE, where
from benchmarks.running import Plan, due
from benchmarks.slowest import TIMED, Wait
from benchmarks.stand import Stand
from benchmarks.targets import BARE, Target

TURNS: Final = 5
"""How often the targets of a cell are measured, and then watched; an odd number. Each second turn goes backwards."""
MAXIMUM: Final = Dose(seconds=3.0, warm_up=1.0)
"""What finds a target's maximum, of which parts are due while it is watched."""

PLACE: Final = "<!-- Written by `make profile-slowest`. -->"

WATCHED: Final[Mapping[Cell, Sequence[Target]]] = {
    **dict.fromkeys(LONE_CLIENTS, (SCRIPTED, TIMED)),
    **dict.fromkeys(CROWDS, (BARE, TIMED)),
    **{
        Cell(workers=workers, connections=max(CROWDED), counters=1, share=percent / 100): (BARE, TIMED)
        for workers, percent in product(OF_BARE, Plan().percents)
    },
}
"""Where requests are watched, and the targets that a goal compares there."""


def in_the_middle(ready: Stand, cell: Cell, rates: Mapping[Target, float]) -> list[Wait]:
    """Watch targets in turn; of each return what all requests waited for and what the slowest did.

    That is of the turn in which its slowest took the median time.

    Args:
        ready: Has them.
        cell: The circumstances.
        rates: Of each target the requests that are due a second; 0 for a closed loop.

    Raises:
        BenchmarkError: One answered too little, or the system does not say who has its processors.
    """
    found: dict[Target, list[list[Wait]]] = {target: [] for target in rates}
    for _, target in in_turn([*rates], TURNS):
        found[target].append(slowest.waits(ready, target, cell, rates[target]))
    return [wait for times in found.values() for wait in sorted(times, key=_slowest)[TURNS // 2]]


def maxima(ready: Stand) -> Mapping[tuple[Target, Cell], float]:
    """Return what targets come to in closed loops, in increments a second, by cell: the median of turns.

    Raises:
        BenchmarkError: One answered too little.
    """
    closed = {replace(cell, share=0.0): chosen for cell, chosen in WATCHED.items() if cell.share}
    found: dict[tuple[Target, Cell], list[float]] = {}
    for cell, chosen in closed.items():
        for turn, target in in_turn(chosen, TURNS):
            speed = ready.measure(target, cell, MAXIMUM, repeat=turn).speed
            found.setdefault((target, cell), []).append(speed.rate)
    return {subject: median(rates) for subject, rates in found.items()}


def _slowest(waits: Sequence[Wait]) -> float:
    """Return how long the slowest took, in milliseconds on average: they come last."""
    return waits[-1].total


def main() -> None:
    """Watch all subjects, print the table, and put it into docs/benchmarks.md."""
    demand_accounts()
    how = f"watched {TURNS} times for {slowest.SECONDS:g} s: told is the one in which the slowest took the median"
    document(WATCHED, _watched, place=PLACE, how=how)


def _watched(ready: Stand) -> list[tables.Row]:
    waits: list[Wait] = []
    most = maxima(ready)
    for cell, chosen in WATCHED.items():
        click.echo(where(cell), err=True)
        rates = {
            target: due(cell.share, most[target, replace(cell, share=0.0)]) if cell.share else 0.0
            for target in chosen
        }
        waits += in_the_middle(ready, cell, rates)
    return slowest.rows(waits)
