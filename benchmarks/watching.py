"""What the slowest requests wait for, where a goal is about times: targets are watched in turn, each a few times.

A machine of which the host withholds a part now and then makes requests slow whoever serves them. So of each target
that time is told in which the least was withheld, and how much that was stands in the table.
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
from benchmarks.processors import ALL, demand_accounts
from benchmarks.profiling import LONE_CLIENTS, SCRIPTED, document, in_turn
from benchmarks.ratios import CROWDED, OF_BARE, where
from benchmarks.running import Plan, due
from benchmarks.slowest import TIMED, Wait
from benchmarks.stand import Stand
from benchmarks.targets import BARE, Target

TURNS: Final = 3
"""How often the targets of a cell are measured, and then watched; each second turn goes backwards."""
MAXIMUM: Final = Dose(seconds=3.0, warm_up=1.0)
"""What finds a target's maximum, of which parts are due while it is watched."""

PLACE: Final = "<!-- Written by `make profile-slowest`. -->"

WATCHED: Final[Mapping[Cell, Sequence[Target]]] = {
    **dict.fromkeys(LONE_CLIENTS, (SCRIPTED, TIMED)),
    **{
        Cell(workers=workers, connections=max(CROWDED), counters=1, share=percent / 100): (BARE, TIMED)
        for workers, percent in product(OF_BARE, Plan().percents)
    },
}
"""Where requests are watched, for the goal is one of their times; and what it compares."""


def quietest(ready: Stand, cell: Cell, rates: Mapping[Target, float]) -> list[Wait]:
    """Watch targets in turn; of each return what all requests waited for and what the slowest did, at its quietest.

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
    return [wait for times in found.values() for wait in min(times, key=_withheld)]


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


def _withheld(waits: Sequence[Wait]) -> float:
    """Return how many processors the host withheld while all requests were under way: they come first."""
    return waits[0].had[ALL].waited


def main() -> None:
    """Watch all subjects, print the table, and put it into docs/benchmarks.md."""
    demand_accounts()
    how = f"watched {TURNS} times for {slowest.SECONDS:g} s, of which the one counts in which the host withheld least"
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
        waits += quietest(ready, cell, rates)
    return slowest.rows(waits)
