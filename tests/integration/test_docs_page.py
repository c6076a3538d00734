"""The page that shows the contract, in a real browser."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from localnode.serving import Service
from service.strategies import STRATEGIES
from tests.api import Api
from tests.browser import Visit
from tests.callers import SECRETS
from tests.openapi import operations


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_shows_every_operation(visit: Visit, service_url: str, path: str) -> None:
    """The page lists all operations of the contract, speaks with nobody but the service, and complains of nothing."""
    visit.page.goto(f"{service_url}{path}")

    shown = visit.page.locator(".opblock")
    expect(shown).to_have_count(len(operations()))
    titles = [
        re.sub(r"\s|\u200b", "", text)
        for text in visit.page.locator(".opblock-summary-path").all_inner_texts()
    ]
    assert sorted(name.partition(" ")[2] for name in operations()) == sorted(titles)
    assert {urlsplit(service_url).netloc} == visit.hosts
    assert [] == visit.complaints


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_tries_an_increment(visit: Visit, api: Api, counter_id: str, strategy: str) -> None:
    """An operation can be tried from the page, and increments for real."""
    visit.page.goto(f"{api.base}/docs")
    operation = visit.page.locator(f"#operations-{strategy}-increment_{strategy}")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("counter_id").fill(counter_id)
    operation.locator("textarea.body-param__text").fill('{"by": 5}')
    operation.get_by_role("button", name="Execute").click()

    answer = operation.locator(".live-responses-table .response")
    expect(answer.locator(".response-col_status")).to_contain_text("200")
    expect(answer).to_contain_text(f'"id": "{counter_id}"')
    assert 5 == api.value_of(counter_id)
    assert {urlsplit(api.base).netloc} == visit.hosts
    assert [] == visit.complaints


def test_shows_a_problem(visit: Visit, api: Api, counter_id: str) -> None:
    """What the service refuses is shown with its problem."""
    visit.page.goto(f"{api.base}/docs")
    operation = visit.page.locator("#operations-counters-read_counter")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("counter_id").fill(counter_id)
    operation.get_by_role("button", name="Execute").click()

    answer = operation.locator(".live-responses-table .response")
    expect(answer.locator(".response-col_status")).to_contain_text("404")
    expect(answer).to_contain_text("/problems/counter-not-found")


def test_can_be_used_with_tokens(visit_of_reader: Visit, closed: Service, counter_id: str) -> None:
    """Where tokens are needed the browser asks for one to show the page, and the page for one to send requests."""
    page = visit_of_reader.page
    page.goto(f"{closed.url}/docs")
    expect(page.locator(".opblock")).to_have_count(len(operations()))
    operation = page.locator("#operations-occ-increment_occ")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("counter_id").fill(counter_id)
    status = operation.locator(".live-responses-table .response .response-col_status")

    operation.get_by_role("button", name="Execute").click()
    expect(status).to_contain_text("401")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill(SECRETS["writer"])
    page.locator(".auth-btn-wrapper").get_by_role("button", name="Apply credentials").click()
    page.locator(".auth-btn-wrapper").get_by_role("button", name="Close").click()
    operation.get_by_role("button", name="Execute").click()
    expect(status).to_contain_text("200")

    assert {urlsplit(closed.url).netloc} == visit_of_reader.hosts
