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


def anchors(page: Path) -> set[str]:
    """Return what links can lead to within a page: GitHub makes an anchor of each heading."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_every_anchor_is_a_heading(page: Path) -> None:
    """Who follows a link into a page, from it or from another, arrives where it says."""
    links = re.findall(r"\]\(([^)#:]*\.md)?#([^)]+)\)", page.read_text("utf-8"))

    assert [] == [
        (name, anchor)
        for name, anchor in links
        if anchor not in anchors(page.parent / name if name else page)
    ]


def test_every_alert_leads_to_what_to_do() -> None:
    """Who is woken by one finds it on the page."""
    runbooks = [
        (path, runbook)
        for path in ROOT.glob("docker/**/*.yml")
        for runbook in re.findall(r"runbook_url: \S*?(docs/\S+\.md#\S+)", path.read_text("utf-8"))
    ]
    pages = {runbook.partition("#")[0] for _, runbook in runbooks}
    there = {f"{page}#{anchor}" for page in pages for anchor in anchors(ROOT / page)}

    assert [] == [(path.name, runbook) for path, runbook in runbooks if runbook not in there]


def test_every_module_on_the_path_of_a_request_is_there() -> None:
    """What the architecture names as the service's, it has."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    told = re.findall(r"`((?:\w+/)*\w+\.(?:py|painless))`", page.partition("## What it learned")[0])
    missing = [name for name in told if not list((ROOT / "service").rglob(name))]

    assert len(told) > 10
    assert [] == missing


@pages
def test_what_was_measured_is_there(page: Path) -> None:
    """A place for figures has figures in it."""
    places = re.findall(
        r"<!-- Written by .*?-->\n(.*?)<!-- End of what was measured. -->", page.read_text("utf-8"), re.DOTALL
    )

    assert all(place.count("\n|") > 2 for place in places)
