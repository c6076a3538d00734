"""A real browser, for the pages that the service serves."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

QUIET: Final = (
    "--no-sandbox",  # which root, as in a container, cannot have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # What follows asks for hosts of its maker.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass  # without slots, for Playwright leaves marks on whose methods it calls
class Visit:
    """A page that is looked at, and what it has done so far.

    Attributes:
        page: The page.
        hosts: With whom it has spoken, as ``host:port``.
        complaints: What it has said on its console that is an error or a warning, and what it has thrown.
    """

    page: Page
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def note_request(self, request: Request) -> None:
        """Take note of whom the page speaks with; what it carries in itself is spoken with nobody."""
        if not request.url.startswith(("data:", "blob:")):
            self.hosts.add(urlsplit(request.url).netloc)

    def note_message(self, message: ConsoleMessage) -> None:
        """Take note of a message on the console."""
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


def executable(playwright: Playwright) -> str:
    """Return the path of a Chromium; without one the test fails, saying what to do."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    # What `playwright install chromium` has brought, where there is no package of the system's.
    own = playwright.chromium.executable_path
    if found is None and not Path(own).exists():
        pytest.fail(
            "There is no browser to look at the page with: run `make browser`, or let CHROMIUM be its path."
        )
    return found or own


@contextmanager
def browsing() -> Iterator[Browser]:
    """Give a headless Chromium with a profile of its own, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(playwright), args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(
    browser: Browser,
    *,
    password: str | None = None,
    width: int = 1280,
    colours: Literal["light", "dark"] = "light",
    unprotected: bool = False,
) -> Iterator[Visit]:
    """Give an empty page, and take note of all that it does.

    Args:
        browser: Whose page.
        password: What its user answers when the browser asks for one.
        width: Of the window, in CSS pixels.
        colours: What its user prefers.
        unprotected: Whether to leave out content security policies, which also keep out tools that look at pages.
    """
    page = browser.new_page(
        http_credentials={"username": "anybody", "password": password} if password else None,
        viewport={"width": width, "height": 800},
        color_scheme=colours,
        bypass_csp=unprotected,
    )
    visit = Visit(page)
    page.on("request", visit.note_request)
    page.on("console", visit.note_message)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    try:
        yield visit
    finally:
        page.close()
