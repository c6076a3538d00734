"""Puts a run's report where people look: the terminal and the output folder."""

import sys
from pathlib import Path

from locust.env import Environment
from locust.html import get_html_report

from loadtests.historyfile import Entry, lines
from loadtests.page import render
from loadtests.report import Report, as_json, as_text

LINKS = {"The verdict as JSON": "verdict.json", "Locust's own report": "locust.html"}
HISTORY = "history.jsonl"


class Publisher:
    """Writes reports, and keeps the last one for whoever asks."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        """Make sure that there is a folder to write to.

        Args:
            environment: Locust's, for its own report.
            folder: where the files go; an earlier run's are replaced.

        Raises:
            OSError: if the folder can't be created.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = environment
        self._folder = folder
        self._unprinted: str | None = None
        self.last: Report | None = None

    def publish(self, report: Report) -> None:
        """Write a report's files; print it now if a web UI goes on running, else in the end."""
        self.last = report
        self._unprinted = "\n".join([*self._complaints(), as_text(report)])
        if self._environment.web_ui is not None:
            self.flush()
        own = get_html_report(  # type: ignore[no-untyped-call]  # Locust leaves it untyped
            self._environment, show_download_link=False
        )
        links = LINKS | ({"Every increment as JSON Lines": HISTORY} if report.histories else {})
        self._write_history(report)
        for name, text in {
            "verdict.json": as_json(report),
            "index.html": render(report, links=links),
            "locust.html": own,
        }.items():
            (self._folder / name).write_text(text, encoding="utf-8")

    def flush(self) -> None:
        """Print the report that hasn't been printed: at the very end it stands below Locust's own tables."""
        if self._unprinted is not None:
            sys.stdout.write(f"\n{self._unprinted}\n\nThe same with a plot: {self._folder / 'index.html'}\n")
            sys.stdout.flush()
            self._unprinted = None

    def _write_history(self, report: Report) -> None:
        """Write what was recorded, or remove what an earlier run recorded."""
        file = self._folder / HISTORY
        if not report.histories:
            file.unlink(missing_ok=True)
            return
        entries = (
            Entry(strategy=strategy, counter=report.plan.counter(strategy), history=history)
            for strategy, history in report.histories.items()
        )
        with file.open("w", encoding="utf-8") as output:
            output.writelines(lines(entries))

    def _complaints(self) -> list[str]:
        """Why how many requests weren't acknowledged, to be read before the table; nothing if all were."""
        errors = self._environment.stats.errors.values()
        lines = [f"{error.occurrences} x {error.to_name()}" for error in errors]
        return [*lines, ""] if lines else []
