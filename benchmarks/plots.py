"""Figures as drawings, in SVG that differs only where the figures do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from benchmarks.figures import RATE, Measurement, Results, Spread

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "benchmarks"
mpl.rcParams["svg.fonttype"] = "none"

PANEL: Final = (5.2, 3.4)
"""Inches."""

NUMBER: Final = StrMethodFormatter("{x:,g}")

PALETTE: Final = mpl.colormaps["tab20"]
STRONG_FIRST: Final = (*range(0, 20, 2), *range(1, 20, 2))
"""The order in which its colors are used: they are pairs of a strong and a pale one."""


def colors(results: Results) -> dict[str, Any]:
    """Return the color of each target that is drawn: not of one that has a point where others have a line."""
    drawn = [
        target
        for target in results.targets
        if len(_connections(results, target)) >= min(2, len({cell.connections for cell in results.cells}))
    ]
    return {target: PALETTE(color) for target, color in zip(drawn, STRONG_FIRST, strict=False)}


def _connections(results: Results, target: str) -> set[int]:
    return {cell.connections for cell in results.cells if results.of(target, cell)}


def rates(results: Results, file: Path) -> None:
    """Draw increments a second over connections: a panel for each number of workers and of counters."""
    _over_connections(results, file, RATE, lambda each: each.speed.rate, scale="linear")


def tails(results: Results, file: Path) -> None:
    """Draw the p99 over connections, likewise."""
    _over_connections(results, file, "p99, ms", _p99, scale="log")


def _over_connections(results: Results, file: Path, label: str, figure: Any, *, scale: str) -> None:
    closed = [cell for cell in results.cells if not cell.share]
    workers = sorted({cell.workers for cell in closed})
    counters = sorted({cell.counters for cell in closed})
    drawn = colors(results)
    drawing, panels = _panels(len(workers), len(counters))
    for row, number in enumerate(workers):
        for column, amount in enumerate(counters):
            panel = panels[row][column]
            cells = [cell for cell in closed if (cell.workers, cell.counters) == (number, amount)]
            for target, color in drawn.items():
                points = [
                    (cell.connections, spread)
                    for cell in cells
                    if (spread := results.spread(target, cell, figure)) is not None
                ]
                _line(panel, target, points, color)
            panel.set_title(f"{number} worker{'s' * (number > 1)}, {amount:,} counter{'s' * (amount > 1)}")
            panel.set_xlabel("connections")
            panel.set_xscale("log", base=2)
            panel.set_xticks([cell.connections for cell in cells], [str(cell.connections) for cell in cells])
    _finish(drawing, panels, label, scale, file)


def at_rates(results: Results, file: Path) -> None:
    """Draw the p99 from when requests were due over the part of the maximum at which they came."""
    cells = [cell for cell in results.cells if cell.share]
    workers = sorted({cell.workers for cell in cells})
    drawn = colors(results)
    drawing, panels = _panels(1, len(workers))
    for column, number in enumerate(workers):
        panel = panels[0][column]
        same = [cell for cell in cells if cell.workers == number]
        for target, color in drawn.items():
            points = [
                (100 * cell.share, spread)
                for cell in same
                if (spread := results.spread(target, cell, _p99)) is not None
            ]
            _line(panel, target, points, color)
        panel.set_title(f"{number} worker{'s' * (number > 1)}, {same[0].connections} connections")
        panel.set_xlabel("% of its own maximum")
        panel.set_xticks([100 * cell.share for cell in same])
    _finish(drawing, panels, "p99, ms", "log", file)


def _p99(each: Measurement) -> float:
    return each.speed.p99


def _panels(rows: int, columns: int) -> tuple[Figure, Any]:
    drawing = Figure(figsize=(PANEL[0] * columns, PANEL[1] * rows), layout="constrained")
    return drawing, drawing.subplots(rows, columns, squeeze=False)


def _line(panel: Any, target: str, points: Sequence[tuple[float, Spread]], color: Any) -> None:
    """Draw medians, with a bar from the least to the most."""
    if not points:
        return
    medians = [spread.median for _, spread in points]
    below = [spread.median - spread.least for _, spread in points]
    above = [spread.most - spread.median for _, spread in points]
    panel.errorbar(
        [x for x, _ in points],
        medians,
        yerr=(below, above),
        label=target,
        color=color,
        marker="o",
        markersize=3,
        capsize=2,
    )


def _finish(drawing: Figure, panels: Any, label: str, scale: str, file: Path) -> None:
    for panel in panels.flat:
        panel.set_ylabel(label)
        panel.set_yscale(scale)
        if scale == "linear":
            panel.set_ylim(bottom=0)
        panel.yaxis.set_major_formatter(NUMBER)
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.grid(visible=True, alpha=0.3)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside right center", frameon=False)
    drawing.savefig(file, metadata={"Date": None})
