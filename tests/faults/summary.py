"""A plugin of pytest's: prints the figures of all rows at the end of a run, and keeps them for the documentation.

Rows enter their figures with the fixture ``enter``. They travel with the reports of their tests, so that it makes no
difference which process has run which row.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.faults.figures import Figures
from tests.faults.table import COLUMNS, cells, in_columns

PROPERTY: Final = "figures"
"""The name that figures travel under."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--figures``."""
    parser.addoption(
        "--figures", type=Path, metavar="FILE", help="where the figures of the fault suite go, as JSON"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of what `make test` leaves to `make faults`."""
    config.addinivalue_line(
        "markers", "long: takes too long for every run of the tests; `make faults` runs it."
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print a line a row and strategy, and write them to the file that was asked for."""
    figures = sorted(
        _figures(terminalreporter), key=lambda each: (each.row, each.fault, each.strategy, not each.keyed)
    )
    if figures:
        terminalreporter.section("faults: what was asked, told and stored")
        for line in in_columns([COLUMNS, *map(cells, figures)]):
            terminalreporter.write_line(line)
    file: Path | None = config.option.figures
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([each.as_dict() for each in figures], indent=1) + "\n")


def _figures(reporter: pytest.TerminalReporter) -> Iterator[Figures]:
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            if report.when == "call":
                for name, value in report.user_properties:
                    if name == PROPERTY:
                        yield Figures.from_dict(value)
