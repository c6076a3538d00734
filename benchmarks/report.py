"""Where figures go: to the terminal, and from the files of the last runs into the documentation."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import pages, plots, soak, tables
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Results
from benchmarks.ratios import ratios_of

BUILD: Final = Path("build")
SERVICE: Final = BUILD / "bench.json"
PEERS: Final = BUILD / "bench-peers.json"
SOAK: Final = BUILD / "soak.json"

PAGE: Final = pages.DOCS / "benchmarks.md"
README: Final = pages.DOCS.parent / "README.md"
BEGIN: Final = "<!-- Written by `make bench-table` from what `make {}` has measured. -->"

Lay = Callable[[Sequence[tables.Row]], str]


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
    """Write tables and plots of the last runs into docs/benchmarks.md, summaries into the README's places for them.

    The files of results are put beside the page.

    Returns:
        The files of results that were there.

    Raises:
        BenchmarkError: There were none, or one cannot be read.
    """
    used = [file for file in (SERVICE, PEERS, SOAK) if file.is_file()]
    if not used:
        raise BenchmarkError("Nothing has been measured yet: `make bench` and `make bench-peers` do.")
    for file, name in ((SERVICE, "bench"), (PEERS, "bench-peers")):
        if file in used:
            results = Results.load(file)
            begin = BEGIN.format(name)
            pages.put(_section(results, name), page=PAGE, begin=begin)
            if begin in README.read_text("utf-8"):
                summary = f"{tables.in_markdown(tables.summary(results))}\n{tables.about(results)}\n"
                pages.put(summary, page=README, begin=begin)
    if SOAK in used:
        known = json.loads(SOAK.read_text("utf-8"))
        table = f"{tables.in_markdown(soak.rows(known))}\n{_verdict(known)}"
        pages.put(table, page=PAGE, begin=BEGIN.format("soak"))
    for file in used:
        shutil.copy(file, pages.DOCS / file.name)
    return used


def _section(results: Results, name: str) -> str:
    drawings = {
        f"{name}-rates.svg": ("Increments a second", plots.rates),
        f"{name}-tails.svg": ("The p99", plots.tails),
        f"{name}-at-rates.svg": ("The p99 at constant rates", plots.at_rates),
    }
    parts = [tables.about(results) + "\n", *_ends(results, tables.in_markdown)]
    for file, (title, draw) in drawings.items():
        draw(results, pages.DOCS / file)
        parts.append(f"![{title}]({file})\n")
    parts += [_titled(f"**{title}**", rows, tables.in_markdown) for title, rows in tables.cells_of(results)]
    return "\n".join(parts)


def soaked(known: dict[str, Any]) -> str:
    """Return a long run as text.

    Args:
        known: What the file of it holds.
    """
    return f"{tables.in_columns(soak.rows(known))}\n{_verdict(known)}"


def _verdict(known: dict[str, Any]) -> str:
    verdict = "did not grow" if known["growth"] <= soak.ALLOWED else "grew"
    workers, connections = known["cell"]["workers"], known["cell"]["connections"]
    return (
        f"`/{known['target']}` for {known['looks'][-1]['minutes']:.1f} minutes with {workers} workers and"
        f" {connections} connections: {known['requests']:,} requests, {known['errors']:,} errors,"
        f" {known['lost']:,} lost, {known['doubled']:,} doubled. The memory of the largest worker {verdict}:"
        f" at the end it was {known['growth']:.2f} times what it was once settled.\n"
    )
