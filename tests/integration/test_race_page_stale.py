"""The race page's other panel in a real browser: the stale write, and what it shows where something else happens."""

from collections.abc import Callable
from itertools import count
from typing import Final

import pytest
from playwright.sync_api import Route, expect

from tests.api import Api
from tests.browser import Visit
from tests.race_page import PATIENCE, RacePage, left_behind

NOT_MET: Final = "Failed to load resource: the server responded with a status of 412 (PRECONDITION FAILED)"
"""What a browser says of a 412 whatever the page makes of it."""


def test_replays_the_stale_write(
    visit: Visit, service_url: str, api: Api, refresh: Callable[[], object]
) -> None:
    """Ada and Ben read one version, Ada writes, Ben is refused with both versions, looks again, and nothing is lost."""
    race_page = RacePage(visit, service_url)

    race_page.page.get_by_role("button", name="Replay").click()
    closing = race_page.page.locator("#stale-closing")
    expect(closing).to_have_text(
        "The counter holds 111: 100, Ada's 1 and Ben's 10. Neither is lost.", timeout=PATIENCE
    )
    expect(race_page.page.get_by_role("button", name="Replay")).to_be_enabled(timeout=PATIENCE)

    steps = race_page.page.locator("#steps > li")
    assert ["Ada", "Ben", "Ada", "Ben", "Ben", "Ben"] == [
        step.get_attribute("data-who") for step in steps.all()
    ]
    assert [200, 412, 200] == race_page.statuses("POST", "occ/")
    [problem] = [answer.json() for answer in race_page.answers if answer.status == 412]
    required, current = problem["required_version"], problem["current_version"]
    assert required != current
    assert f'If-Match: "{required}"' == steps.nth(3).locator(".condition").inner_text()
    assert [required, current] == steps.nth(3).locator("dd").all_inner_texts()
    expect(steps.nth(2)).to_contain_text(f'101, at version "{current}"')
    assert [] == left_behind(api, refresh)
    assert [NOT_MET] == visit.complaints


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (503, '{"detail": "Elasticsearch is away.", "outcome": "unknown"}', "cannot count now: Elasticsearch is away."),
        (412, "", "The service refused (412): It answered with status 412."),
        (200, "<p>Who are you?</p>", "What answers does not speak as the service does."),
    ],
    ids=["failed", "without versions", "not the service's"],
)  # fmt: skip
def test_takes_only_a_412_for_the_refusal(
    visit: Visit, service_url: str, status: int, body: str, sentence: str
) -> None:
    """If something else than the service's 412 answers the stale write, the page says so, and shows no refusal."""
    race_page = RacePage(visit, service_url)
    writes = count(1)

    def answer_the_second(route: Route) -> None:
        if next(writes) == 2:
            route.fulfill(status=status, body=body)
        else:
            route.continue_()

    race_page.page.route("**/occ/*", answer_the_second)

    race_page.page.get_by_role("button", name="Replay").click()

    complaint = race_page.page.locator("#stale-complaint")
    expect(complaint).to_contain_text(sentence, timeout=PATIENCE)
    expect(race_page.page.locator("#steps > li")).to_have_count(3)
    expect(race_page.page.locator("#stale-closing")).to_be_empty()


def test_says_what_the_counter_of_the_stale_write_holds(visit: Visit, service_url: str, api: Api) -> None:
    """If somebody else has added to it, the page does not say that it holds what Ada and Ben have added."""
    race_page = RacePage(visit, service_url)
    reads = count(1)

    def add_before_the_third(route: Route) -> None:
        if route.request.method == "GET" and next(reads) == 3:
            api.post(f"/occ/{route.request.url.rpartition('/')[2]}", json={"by": 5})
        route.continue_()

    race_page.page.route("**/counters/*", add_before_the_third)
    race_page.page.get_by_role("button", name="Replay").click()

    expect(race_page.page.locator("#stale-closing")).to_have_text(
        "The counter holds 116, and not the 111 that 100, Ada's 1 and Ben's 10 make.", timeout=PATIENCE
    )
