"""The race page, as its user sees it and its tests use it."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from playwright.sync_api import Locator, Response, expect

from service.strategies import STRATEGIES
from tests.api import Api
from tests.browser import Visit

PATIENCE: Final = 120_000
"""Milliseconds after which something will not come any more, however busy the machine is."""


class RacePage:
    """The page of the service at ``url``, opened in a browser."""

    def __init__(self, visit: Visit, url: str) -> None:
        self.page = visit.page
        self.answers: list[Response] = []
        self.page.on("response", self.note)
        self.page.goto(f"{url}/")

    def note(self, answer: Response) -> None:
        """Take note of an answer that the page has got."""
        self.answers.append(answer)

    @property
    def news(self) -> Locator:
        """What it says of how the race goes."""
        return self.page.locator("#news")

    @property
    def closing(self) -> Locator:
        """How it sums up the race."""
        return self.page.locator("#closing")

    @property
    def complaint(self) -> Locator:
        """What it says has gone wrong with the race."""
        return self.page.locator("#complaint")

    def start(self, *, clients: int = 2, increments: int = 3, strategies: Iterable[str] = STRATEGIES) -> None:
        """Fill in the form, and press Start."""
        self.fill_in(clients=clients, increments=increments, strategies=strategies)
        self.page.get_by_role("button", name="Start").click()

    def fill_in(
        self, *, clients: int = 2, increments: int = 3, strategies: Iterable[str] = STRATEGIES
    ) -> None:
        """Fill in the form."""
        self.page.get_by_label("Clients").fill(str(clients))
        self.page.get_by_label("Increments of each").fill(str(increments))
        for strategy in STRATEGIES:
            self.page.get_by_role("checkbox", name=strategy).set_checked(strategy in set(strategies))

    def stop(self) -> None:
        """Press Stop."""
        self.page.get_by_role("button", name="Stop").click()

    def wait_for(self, news: str) -> None:
        """Wait until it says something."""
        expect(self.news).to_have_text(news, timeout=PATIENCE)

    def wait_until_idle(self) -> None:
        """Wait until another race may be started, as this one is over and tidied up."""
        expect(self.page.get_by_role("button", name="Start")).to_be_enabled(timeout=PATIENCE)

    def shown(self, strategy: str, what: str) -> str:
        """Return what stands in a strategy's card."""
        return self.card(strategy).locator(f'[data-show="{what}"]').inner_text()

    def card(self, strategy: str) -> Locator:
        """Return a strategy's card."""
        return self.page.locator(f'[data-strategy="{strategy}"]')

    def chart(self, strategy: str) -> Locator:
        """Return the chart in a strategy's card."""
        return self.card(strategy).get_by_role("img")

    def figures(self, strategy: str) -> object:
        """Return the markup of all that a strategy's card shows but its verdict: bars, chart and figures."""
        parts = self.card(strategy).locator(".bars, .chart, .figures")
        return parts.evaluate_all("parts => parts.map((part) => part.outerHTML)")

    def statuses(self, method: str, path: str) -> list[int]:
        """Return with which statuses its calls of a method were answered, on paths that begin so."""
        return [answer.status for answer in self._answers_to(method, path)]

    def bodies(self, method: str, path: str) -> list[Any]:
        """Return what they were answered with."""
        return [answer.json() for answer in self._answers_to(method, path)]

    def _answers_to(self, method: str, path: str) -> list[Response]:
        return [
            answer
            for answer in self.answers
            if answer.request.method == method and answer.url.split("/", 3)[3].startswith(path)
        ]


def left_behind(api: Api, refresh: Callable[[], object], prefix: str = "race-") -> list[object]:
    """Return the counters that the page has made and not removed."""
    refresh()
    counters: list[object] = api.get(f"/counters?prefix={prefix}").json()["counters"]
    return counters
