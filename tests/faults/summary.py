"""A plugin of pytest's: prints the figures of all rows at the end of a run, and keeps them for the documentation.

Rows enter their figures with the fixture ``enter``. They travel with the reports of their tests, so that it makes no
difference which process has run which row.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.faults.coverage import missing_in
from tests.faults.figures import Figures
from tests.faults.table import COLUMNS, by_strategy, in_columns

PROPERTY: Final = "figures"
"""The name that figures travel under."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--figures``."""
    parser.addoption(
        "--figures",
        type=Path,
        metavar="FILE",
        help="where the figures of the fault suite go, as JSON; the run fails unless they are complete",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of what `make test` leaves to `make faults`."""
    config.addinivalue_line(
        "markers", "long: takes too long for every run of the tests; `make faults` runs it."
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run whose figures were asked for and do not cover every row."""
    reporter: pytest.TerminalReporter | None = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and session.config.option.figures is not None and any(_missing(reporter)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print a line a row and strategy, and write them to the file that was asked for."""
    figures = list(_figures(terminalreporter))
    if figures:
        terminalreporter.section("faults: what was asked, told and stored")
        for line in in_columns([COLUMNS, *by_strategy(figures)]):
            terminalreporter.write_line(line)
    file: Path | None = config.option.figures
    if file is not None:
        for kind in _missing(terminalreporter):
            terminalreporter.write_line(f"MISSING: {kind}", red=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([each.as_dict() for each in figures], indent=1) + "\n")


def _missing(reporter: pytest.TerminalReporter) -> Iterator[str]:
    return missing_in(_figures(reporter))


def _figures(reporter: pytest.TerminalReporter) -> Iterator[Figures]:
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            if report.when == "call":
                for name, value in report.user_properties:
                    if name == PROPERTY:
                        yield Figures.from_dict(value)
