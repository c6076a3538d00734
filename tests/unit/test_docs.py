"""The documentation promises nothing that is not there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")])
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pages
def test_every_target_is_in_the_makefile(page: Path) -> None:
    """Who is told to type ``make something`` finds it."""
    told = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text("utf-8"), flags=re.MULTILINE))

    assert told <= TARGETS


@pages
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files that a page refers to are there."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))

    assert [] == [link for link in links if not (page.parent / link).exists()]


@pages
def test_what_was_measured_is_there(page: Path) -> None:
    """A place for figures has figures in it."""
    places = re.findall(
        r"<!-- Written by .*?-->\n(.*?)<!-- End of what was measured. -->", page.read_text("utf-8"), re.DOTALL
    )

    assert all(place.count("\n|") > 2 for place in places)
