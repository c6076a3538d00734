"""The figures as tables: for people at a terminal, and for docs/guarantees.md.

``python -m tests.faults.table`` writes the latter anew from what the last ``make faults`` has left in
build/faults.json, so that no figure in the documentation was ever typed.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from benchmarks.pages import DOCS, put
from tests.faults.figures import COUNTS, Figures, total

ROOT: Final = Path(__file__).parent.parent.parent
FIGURES: Final = ROOT / "build" / "faults.json"
BEGIN: Final = "<!-- Written by `make faults-table` from what `make faults` has measured. -->"

NUMBERS: Final = (*COUNTS, "difference")
COLUMNS: Final = ("row", "fault", "strategy", "key", *NUMBERS)


def cells(figures: Figures) -> tuple[str, ...]:
    """Return figures as the cells of `COLUMNS`."""
    counts = (f"{getattr(figures, name):,}" for name in NUMBERS)
    return (str(figures.row), figures.fault, figures.strategy, "yes" if figures.keyed else "no", *counts)


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


def added_up(figures: Sequence[Figures]) -> Iterator[Figures]:
    """Return one line a fault with keys and one without, all strategies in it, by row."""

    def kind(each: Figures) -> tuple[int, str, bool]:
        return each.row, each.fault, not each.keyed

    for _, group in groupby(sorted(figures, key=kind), key=kind):
        same = list(group)
        yield total(same, strategy=", ".join(sorted({each.strategy for each in same})))


def in_markdown(figures: Sequence[Figures]) -> str:
    """Return figures as a table of Markdown's."""
    rules = ["---" if name not in NUMBERS else "---:" for name in COLUMNS]
    lines = [COLUMNS, rules, *map(cells, added_up(figures))]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Put the table in its place in docs/guarantees.md."""
    if not FIGURES.is_file():
        sys.exit(f"There is no {FIGURES.relative_to(ROOT)}: `make faults` writes it.")
    figures = [Figures.from_dict(each) for each in json.loads(FIGURES.read_text())]
    put(in_markdown(figures), page=DOCS / "guarantees.md", begin=BEGIN)


if __name__ == "__main__":
    main()
