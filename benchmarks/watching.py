"""What the slowest requests wait for, where a goal is about times: targets are watched in turn, each a few times.

A machine of which the host withholds a part now and then makes requests slow whoever serves them. So of each target
that time is told in which the least was withheld, and how much that was stands in the table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Final

import click

from benchmarks import load, pages, ratios, slowest, tables
from benchmarks.figures import Cell
from benchmarks.load import Dose
from benchmarks.machine import demand_commit, facts, sentence
from benchmarks.processors import ALL, demand_accounts
from benchmarks.ratios import CROWDED, OF_BARE, where
from benchmarks.running import Plan, due
from benchmarks.slowest import TIMED, Wait
from benchmarks.stand import Stand, stand
from benchmarks.targets import BARE, ELASTICSEARCH, Target, strategies

TURNS: Final = 3
"""How often the targets of a cell are watched; each second turn goes backwards."""
MAXIMUM: Final = Dose(seconds=3.0, warm_up=1.0)
"""What finds a target's maximum, each time before it is watched at a part of it: by then the machine may be another."""
PREPARE: Final = 15.0
"""Seconds of load on each subject that Elasticsearch is behind before anything counts, for its JVM."""

PAGE: Final = pages.DOCS / "benchmarks.md"
PLACE: Final = "<!-- Written by `make profile-slowest`. -->"

SCRIPTED: Final = next(target for target in strategies() if target.name == ratios.SCRIPTED)
WATCHED: Final[Mapping[Cell, Sequence[Target]]] = {
    **{Cell(workers=workers, connections=1, counters=1): (SCRIPTED, TIMED) for workers in OF_BARE},
    **{
        Cell(workers=workers, connections=max(CROWDED), counters=1, share=percent / 100): (BARE, TIMED)
        for workers, percent in product(OF_BARE, Plan().percents)
    },
}
"""Where requests are watched, for the goal is one of their times; and what it compares."""


def quietest(ready: Stand, cell: Cell, chosen: Sequence[Target]) -> list[Wait]:
    """Watch targets in turn; of each return what all requests waited for and what the slowest did, at its quietest.

    Args:
        ready: Has them.
        cell: The circumstances.
        chosen: The targets.

    Raises:
        BenchmarkError: One answered too little, or the system does not say who has its processors.
    """
    found: dict[str, list[list[Wait]]] = {target.name: [] for target in chosen}
    for turn in range(1, TURNS + 1):
        for target in chosen if turn % 2 else reversed(chosen):
            found[target.name].append(slowest.waits(ready, target, cell, _rate(ready, target, cell)))
    return [wait for times in found.values() for wait in min(times, key=_withheld)]


def _rate(ready: Stand, target: Target, cell: Cell) -> float:
    """Return how many requests a second are to be due: in a closed loop none are."""
    if not cell.share:
        return 0.0
    return due(cell.share, ready.measure(target, replace(cell, share=0.0), MAXIMUM, repeat=1).speed.rate)


def _withheld(waits: Sequence[Wait]) -> float:
    """Return how many processors the host withheld while all requests were under way: they come first."""
    return waits[0].had[ALL].waited


def prepare(ready: Stand) -> None:
    """Have Elasticsearch compile what it needs for what is watched."""
    closed = dict.fromkeys(
        (target, replace(cell, share=0.0)) for cell, chosen in WATCHED.items() for target in chosen
    )
    for target, cell in closed:
        if target.app.store == ELASTICSEARCH:
            ready.put_load_on(target, cell, Dose(seconds=PREPARE))


def main() -> None:
    """Watch all subjects, print the table, and put it into docs/benchmarks.md."""
    known = facts([load.version()])
    demand_commit(known)
    demand_accounts()
    pages.demand_place(PAGE, PLACE)
    everything = dict.fromkeys(target for chosen in WATCHED.values() for target in chosen)
    waits: list[Wait] = []
    with stand([*everything], workers=OF_BARE, threads=Plan().threads) as ready:
        prepare(ready)
        for cell, chosen in WATCHED.items():
            click.echo(where(cell), err=True)
            waits += quietest(ready, cell, chosen)
        known["versions"] += dict.fromkeys(store.version for store in ready.stores.values())
    shown = (
        f"{tables.in_markdown(slowest.rows(waits))}\n{sentence(known)}; watched {TURNS} times for"
        f" {slowest.SECONDS:g} s, of which the one counts in which the host withheld least.\n"
    )
    click.echo(shown, nl=False)
    pages.put(shown, page=PAGE, begin=PLACE)
