"""The page with the plot: what was acknowledged against what is stored, a pair of bars a strategy."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtests.report import COLUMNS, Report, cells, closing, sentence, verdict_word
from loadtests.verdict import Verdict

WIDTH = 520
"""Of the longest bar, in the plot's own units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A strategy's bars; lengths in the plot's units, from 0 to ``WIDTH``."""

    strategy: str
    word: str
    tone: str
    """"good", "bad", or "so-so" for a loss that was to be expected."""
    expected: int
    unknown: int
    stored: int | None
    expected_length: float
    unknown_length: float
    """Of the part behind the expected bar within which the stored one may end, too."""
    stored_length: float


def bars(verdicts: tuple[Verdict, ...]) -> tuple[Bars, ...]:
    """Lay out the bars, all to one scale."""
    longest = max((abs(n) for v in verdicts for n in (_most(v), v.seen.stored or 0)), default=0)
    scale = WIDTH / longest if longest else 0.0
    return tuple(
        Bars(
            strategy=verdict.seen.strategy,
            word=verdict_word(verdict),
            tone="bad" if not verdict.holds else "so-so" if verdict.lost else "good",
            expected=verdict.seen.acknowledged_amount,
            unknown=verdict.seen.unknown_amount,
            stored=verdict.seen.stored,
            expected_length=round(verdict.seen.acknowledged_amount * scale, 1),
            unknown_length=round(verdict.seen.unknown_amount * scale, 1),
            stored_length=round(max(0, verdict.seen.stored or 0) * scale, 1),
        )
        for verdict in verdicts
    )


def render(report: Report, *, links: dict[str, str]) -> str:
    """Render the page, which needs no other file and asks no host for anything.

    Args:
        report: the finished run.
        links: what to link to, the address by the words for it.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("verdict.html.j2").render(
        report=report,
        closing=closing(report),
        columns=COLUMNS,
        rows=[cells(verdict) for verdict in report.verdicts],
        sentences=[sentence(verdict) for verdict in report.verdicts],
        bars=bars(report.verdicts),
        width=WIDTH,
        links=links,
    )


def _most(verdict: Verdict) -> int:
    return verdict.seen.acknowledged_amount + verdict.seen.unknown_amount
