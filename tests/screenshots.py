"""The pictures of the race page in README.md: python -m localnode run --ephemeral -- python -m tests.screenshots.

A real race each, of the page's own numbers, in a real browser against a service of its own.
"""

import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import expect

from localnode.serving import serving
from tests.browser import browsing

FOLDER: Final = Path(__file__).parent.parent / "docs"
PATIENCE: Final = 120_000
"""Milliseconds that a race may take."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: its file's name, the colours, and the window's width in CSS pixels."""

    name: str
    colours: Literal["light", "dark"]
    width: int


PICTURES: Final = (
    Picture("race-light.png", "light", 1200),
    Picture("race-dark.png", "dark", 1200),
    Picture("race-narrow.png", "dark", 390),
)


def take(url: str, folder: Path) -> None:
    """Take all pictures of the page at ``url``."""
    with browsing() as browser:
        for picture in PICTURES:
            page = browser.new_page(
                color_scheme=picture.colours, viewport={"width": picture.width, "height": 900}
            )
            page.goto(url)
            page.get_by_role("button", name="Start").click()
            page.get_by_role("button", name="Replay").click()
            expect(page.locator("#stale-closing")).to_contain_text("Neither is lost", timeout=PATIENCE)
            expect(page.locator("#closing")).to_be_visible(timeout=PATIENCE)
            page.screenshot(path=folder / picture.name, full_page=True, animations="disabled")
            page.close()


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as temporary,
        serving({"COUNTERS_ALIAS": f"counters-{uuid.uuid4().hex}"}, log=Path(temporary) / "log") as service,
    ):
        take(service.url, FOLDER)
