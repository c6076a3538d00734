"""The figures as tables: for people at a terminal, and for docs/guarantees.md.

``python -m tests.faults.table`` writes the latter anew from what the last ``make faults`` has left in
build/faults.json, so that no figure in the documentation was ever typed.
"""

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import facts, sentence
from benchmarks.pages import DOCS, put
from localnode.version import VERSION
from tests.faults.figures import COUNTS, Figures

ROOT: Final = Path(__file__).parent.parent.parent
FIGURES: Final = ROOT / "build" / "faults.json"
BEGIN: Final = "<!-- Written by `make faults-table` from what `make faults` has measured. -->"

NUMBERS: Final = (*COUNTS, "difference")
COLUMNS: Final = ("row", "fault", "strategy", "key", *NUMBERS)


def by_strategy(figures: Iterable[Figures]) -> Iterator[tuple[str, ...]]:
    """Return the cells of `COLUMNS` for each fault and strategy, with keys and without."""
    yield from _cells(figures, lambda each: (each.row, each.fault, each.strategy, not each.keyed))


def by_fault(figures: Iterable[Figures]) -> Iterator[tuple[str, ...]]:
    """Return the cells of `COLUMNS` for each fault, all strategies together, with keys and without."""
    yield from _cells(figures, lambda each: (each.row, each.fault, not each.keyed))


def _cells(figures: Iterable[Figures], kind: Callable[[Figures], Any]) -> Iterator[tuple[str, ...]]:
    for _, group in groupby(sorted(figures, key=kind), key=kind):
        same = list(group)
        strategies = ", ".join(sorted({each.strategy for each in same}))
        counts = (f"{sum(getattr(each, name) for each in same):,}" for name in COUNTS)
        yield (
            str(same[0].row),
            same[0].fault,
            strategies,
            "yes" if same[0].keyed else "no",
            *counts,
            _difference(same),
        )


def _difference(figures: Sequence[Figures]) -> str:
    """Return what was lost and what was doubled, which do not make up for each other; 0 for neither."""
    lost = sum(min(0, each.difference) for each in figures)
    doubled = sum(max(0, each.difference) for each in figures)
    return " ".join(f"{number:+,}" for number in (lost, doubled) if number) or "0"


def in_columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Return rows of cells as lines of text, the counts to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first_count = len(COLUMNS) - len(NUMBERS)
    for row in rows:
        aligned = (
            cell.rjust(width) if index >= first_count else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(aligned).rstrip()


def in_markdown(figures: Sequence[Figures]) -> str:
    """Return figures as a table of Markdown's."""
    rules = ["---" if name not in NUMBERS else "---:" for name in COLUMNS]
    lines = [COLUMNS, rules, *by_fault(figures)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Put the table in its place in docs/guarantees.md."""
    if not FIGURES.is_file():
        sys.exit(f"There is no {FIGURES.relative_to(ROOT)}: `make faults` writes it.")
    figures = [Figures.from_dict(each) for each in json.loads(FIGURES.read_text())]
    date = dt.datetime.fromtimestamp(FIGURES.stat().st_mtime, dt.UTC).date()
    when = sentence(facts([f"Elasticsearch {VERSION}"], date=date))
    put(f"{in_markdown(figures)}\n{when}.\n", page=DOCS / "guarantees.md", begin=BEGIN)


if __name__ == "__main__":
    main()
