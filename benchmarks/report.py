"""Where figures go: to the terminal, and from the files of the last runs into the documentation."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

from benchmarks import pages, plots, soak, tables, targets
from benchmarks.errors import BenchmarkError, understanding
from benchmarks.figures import Cell, Results
from benchmarks.machine import demand_commit, sentence
from benchmarks.ratios import BATCHED, ratios_of, where
from benchmarks.running import Plan, closed_loops, constant_rates

BUILD: Final = Path("build")
RUN: Final = BUILD / "bench.json"
SOAK: Final = BUILD / "soak.json"

PAGE: Final = pages.DOCS / "benchmarks.md"
README: Final = pages.DOCS.parent / "README.md"
STRATEGIES: Final = pages.DOCS / "strategies.md"
OPERATIONS: Final = pages.DOCS / "operations.md"
BEGIN: Final = "<!-- Written by `make bench-table` from what `make {}` has measured. -->"
EXTRACT: Final = "<!-- Written by `make bench-table`: {}. -->"

DRAWINGS: Final = {
    "bench-rates.svg": ("Increments a second", plots.rates),
    "bench-tails.svg": ("The p99", plots.tails),
    "bench-at-rates.svg": ("The p99 at constant rates", plots.at_rates),
}
"""What is drawn, by its file beside the page: its title, and what draws it."""

LONG_ENOUGH: Final = 1.0
"""Seconds of a measurement besides its warm-up."""

Lay = Callable[[Sequence[tables.Row]], str]

Place = tuple[str, Path, str]
"""A table, and the page and the line that it goes to."""


def on_terminal(results: Results) -> str:
    """Return everything as text, the goals last."""
    parts = [_titled(f"{title}:", rows, tables.in_columns) for title, rows in tables.cells_of(results)]
    parts += _ends(results, tables.in_columns)
    return "\n".join([*parts, tables.about(results)])


def _ends(results: Results, lay: Lay) -> list[str]:
    """Return the tables that every report ends with, those that have anything in them."""
    rows = {
        "With an Idempotency-Key:": tables.keyed(results),
        "Goals:": tables.ratios(ratios_of(results)),
    }
    return [_titled(title, table, lay) for title, table in rows.items() if len(table) > 1]


def _titled(title: str, rows: Sequence[tables.Row], lay: Lay) -> str:
    return f"{title}\n\n{lay(rows)}"


def into_documentation() -> list[Path]:
    """Write tables and plots of the last runs into docs/benchmarks.md, and extracts into others.

    The files of results are put beside the page.

    Returns:
        The files of results that were there.

    Raises:
        BenchmarkError: There were none, or one cannot be read, or lacks what the documentation shows, or does not
            measure it well enough.
    """
    used = [file for file in (RUN, SOAK) if file.is_file()]
    if not used:
        raise BenchmarkError("Nothing has been measured yet: `make bench-peers` and `make soak` do.")
    results = Results.load(RUN) if RUN in used else None
    places = [*(_places_of_run(results) if results else ()), *(_places_of_soak() if SOAK in used else ())]
    # All that can be refused is, before anything is written.
    for _, page, begin in places:
        pages.demand_place(page, begin)
    if results:
        for name, (_, draw) in DRAWINGS.items():
            draw(results, pages.DOCS / name)
    for table, page, begin in places:
        pages.put(table, page=page, begin=begin)
    for file in used:
        shutil.copy(file, pages.DOCS / file.name)
    return used


def _places_of_run(results: Results) -> Iterator[Place]:
    with understanding(RUN, "a run"):
        _demand_everything(results)
        demand_commit(results.about)
        yield _section(results), PAGE, BEGIN.format("bench-peers")
        extracts = (
            (
                [tables.summary(results), tables.rivals(ratios_of(results))],
                README,
                BEGIN.format("bench-peers"),
            ),
            ([tables.ways(results, "occ")], STRATEGIES, EXTRACT.format("the ways of /occ")),
            ([tables.ways(results, "batched")], STRATEGIES, EXTRACT.format("the ways of /batched")),
            (
                [tables.processors(results, ratios_of(results))],
                PAGE,
                EXTRACT.format("what processors do for a rate"),
            ),
            ([tables.sizing(results)], OPERATIONS, EXTRACT.format("sizing")),
        )
        for parts, page, begin in extracts:
            shown = "\n".join(map(tables.in_markdown, parts))
            yield f"{shown}\n{tables.about(results)}\n", page, begin


def _places_of_soak() -> Iterator[Place]:
    with understanding(SOAK, "a soak"):
        known = json.loads(SOAK.read_text("utf-8"))
        _demand_proof(known)
        demand_commit(known["about"])
        yield of_soak(known, tables.in_markdown), PAGE, BEGIN.format("soak")


def _demand_everything(results: Results) -> None:
    """Refuse a run of which the documentation would show too little, or what is not to be believed."""
    everything = [*targets.of_the_service(), *targets.peers()]
    steps = chain(closed_loops(everything, Plan()), constant_rates(everything, Plan()))
    for step in steps:
        rounds = {each.repeat for each in results.of(step.target.name, step.cell)}
        if len(rounds) < tables.BELIEVABLE:
            raise BenchmarkError(
                f"{RUN} lacks what the documentation shows, all of `make bench-peers` in at least"
                f" {tables.BELIEVABLE} rounds: it has {len(rounds)} of {step.target.name}, {where(step.cell)}."
            )
    made, usual = results.about["plan"], Plan()
    least = {
        "warm_up": usual.warm_up,
        "prepare": usual.prepare,
        **dict.fromkeys(("seconds", "rate_seconds"), round(made["warm_up"] + LONG_ENOUGH, 6)),
    }
    for name, seconds in least.items():
        if made[name] < seconds:
            raise BenchmarkError(
                f"{RUN} was measured with --{name.replace('_', '-')} {made[name]:g}: the documentation needs"
                f" at least {seconds:g} s."
            )


def _demand_proof(soaked: Mapping[str, Any]) -> None:
    """Refuse a soak that does not show what the documentation says of the memory."""
    is_usual = (soaked["target"], Cell(**soaked["cell"])) == (BATCHED, soak.USUAL)
    is_long = soaked["looks"][-1]["minutes"] >= soak.MINUTES
    if not (is_usual and is_long and soaked["holds"]):
        raise BenchmarkError(
            f"{SOAK} is not of {soak.MINUTES:g} minutes of `/{BATCHED}` with {where(soak.USUAL)} that hold: `make soak`"
            " measures those."
        )


def _section(results: Results) -> str:
    parts = [tables.about(results) + "\n", *_ends(results, tables.in_markdown)]
    parts += [f"![{title}]({name})\n" for name, (title, _) in DRAWINGS.items()]
    parts += [_titled(f"**{title}**", rows, tables.in_markdown) for title, rows in tables.cells_of(results)]
    return "\n".join(parts)


def of_soak(known: dict[str, Any], lay: Lay) -> str:
    """Return a long run as text.

    Args:
        known: What the file of it holds.
        lay: Lays out its table.
    """
    grown = "The memory of a worker has" if known["growth"] > soak.ALLOWED else "No worker's memory has"
    return (
        f"{lay(soak.rows(known))}\n`/{known['target']}` for {known['looks'][-1]['minutes']:.1f} minutes with"
        f" {where(Cell(**known['cell']))}: {known['requests']:,} requests, {known['errors']:,} errors,"
        f" {known['lost']:,} lost, {known['doubled']:,} doubled. {grown} grown:"
        f" at the end it was at most {known['growth']:.2f} times what it was once settled."
        f" {'It holds.' if known['holds'] else 'It does not hold.'}\n\n{sentence(known['about'])}.\n"
    )
