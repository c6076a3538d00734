"""Figures in documentation, each table in a place of its own, so that none is ever typed."""

from pathlib import Path
from typing import Final

from benchmarks.errors import BenchmarkError

DOCS: Final = Path(__file__).parent.parent / "docs"
END: Final = "<!-- End of what was measured. -->\n"


def demand_place(page: Path, begin: str) -> None:
    """Refuse a place that is not there.

    Raises:
        BenchmarkError: There is no such place in the document.
    """
    _around(page, begin)


def put(table: str, *, page: Path, begin: str) -> None:
    """Write a table into its place.

    Args:
        table: In Markdown.
        page: The document.
        begin: The line at which the place begins; it ends at the next `END`.

    Raises:
        BenchmarkError: There is no such place in the document.
    """
    before, after = _around(page, begin)
    page.write_text(f"{before}{begin}\n\n{table}\n{END}{after}", "utf-8")


def _around(page: Path, begin: str) -> tuple[str, str]:
    """Return what comes before a place and after it."""
    before, found, rest = page.read_text("utf-8").partition(f"{begin}\n")
    _, end, after = rest.partition(END)
    if not (found and end):
        raise BenchmarkError(f"{page.name} has no place that begins with {begin} and ends with {END.strip()}")
    return before, after
