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
class Window:
    """A window: the colours of its pictures, its width in CSS pixels, and the files of the two panels."""

    colours: Literal["light", "dark"]
    width: int
    race: str
    stale: str


WINDOWS: Final = (
    Window("light", 1200, "race-light.png", "stale-light.png"),
    Window("dark", 1200, "race-dark.png", "stale-dark.png"),
    Window("dark", 390, "race-narrow.png", "stale-narrow.png"),
)


def take(url: str, folder: Path) -> None:
    """Take all pictures of the page at ``url``."""
    with browsing() as browser:
        for window in WINDOWS:
            page = browser.new_page(
                color_scheme=window.colours, viewport={"width": window.width, "height": 900}
            )
            page.goto(url)
            page.get_by_role("button", name="Start").click()
            expect(page.locator("#news")).to_have_text("The race is over.", timeout=PATIENCE)
            page.get_by_role("button", name="Replay").click()
            expect(page.locator("#stale-closing")).to_contain_text("Neither is lost", timeout=PATIENCE)
            page.mouse.move(0, 0)  # so that no button is shown as being pointed at
            for name, title in ((window.race, "The race"), (window.stale, "The stale write")):
                panel = page.get_by_role("region", name=title, exact=True)
                panel.screenshot(path=folder / name, animations="disabled")
            page.close()


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as temporary,
        serving({"COUNTERS_ALIAS": f"counters-{uuid.uuid4().hex}"}, log=Path(temporary) / "log") as service,
    ):
        take(service.url, FOLDER)
