"""The race page by itself: how it is served, what it may do, and whether everybody can use it."""

import re
from typing import Final, Literal

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from localnode.serving import Service
from service import create_app
from service.settings import Settings
from tests.api import Api
from tests.browser import Visit, visiting
from tests.problems import problem_in
from tests.race_page import PATIENCE, RacePage
from tests.wire import Answer, Wire

PARTS: Final = {
    "/": "text/html; charset=utf-8",
    "/web/page.css": "text/css; charset=utf-8",
    "/web/page.js": "text/javascript; charset=utf-8",
    "/web/race.js": "text/javascript; charset=utf-8",
    "/web/icon.svg": "image/svg+xml; charset=utf-8",
}

ACKNOWLEDGED: Final = "increments it had acknowledged"
NOTHING: Final = "nothing was acknowledged"
OPEN: Final = "1 of unknown outcome"

VERDICTS: Final = {
    "lost": ("250, 0, 0, 84", "expected 250, got 84: 166 lost", f"lost 166 of the 250 {ACKNOWLEDGED}."),
    "kept": ("250, 0, 0, 250", "expected 250, got 250: none lost", "lost none."),
    "counted twice": ("250, 0, 0, 251", "expected 250, got 251: 1 too many", "counted 1 twice."),
    "refused": (
        "240, 9, 0, 240",
        "expected 240, got 240: none lost, 9 refused",
        "lost none. /naive: 9 refused.",
    ),
    "unknown and counted": (
        "249, 0, 1, 250",
        f"expected 249 to 250, got 250: none lost, {OPEN}",
        f"lost none. /naive: {OPEN}.",
    ),
    "unknown and not": (
        "249, 0, 1, 249",
        f"expected 249 to 250, got 249: none lost, {OPEN}",
        f"lost none. /naive: {OPEN}.",
    ),
    "unknown and more": (
        "249, 0, 1, 251",
        f"expected 249 to 250, got 251: 1 too many, {OPEN}",
        f"counted 1 twice. /naive: {OPEN}.",
    ),
    "nothing": ("0, 0, 0, 0", f"expected 0, got 0: {NOTHING}", "acknowledged nothing."),
    "nothing but refusals": (
        "0, 5, 1, 0",
        f"expected 0 to 1, got 0: {NOTHING}, 5 refused, {OPEN}",
        f"acknowledged nothing. /naive: 5 refused and {OPEN}.",
    ),
    "not read": ("7, 0, 0, null", "expected 7, and the counter cannot be read", None),
}
"""What is said of increments acknowledged, refused, of unknown outcome, and stored."""


@pytest.mark.parametrize(("path", "content_type"), PARTS.items())
def test_serves_the_page_and_its_parts(api: Api, path: str, content_type: str) -> None:
    """Each has its type, a policy that allows it its own files alone, and is not framed or embedded."""
    answer = api.get(path)

    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert (200, content_type) == (answer.status_code, answer.headers["Content-Type"])
    assert "'none'" == policy["default-src"]
    assert {"'self'"} == {policy[f"{kind}-src"] for kind in ("script", "style", "img", "connect")}
    assert {"'none'"} == {policy[name] for name in ("base-uri", "form-action", "frame-ancestors")}
    assert "'script'" == policy["require-trusted-types-for"]
    assert "nosniff" == answer.headers["X-Content-Type-Options"]
    assert "no-referrer" == answer.headers["Referrer-Policy"]
    assert "same-origin" == answer.headers["Cross-Origin-Opener-Policy"]
    assert "same-origin" == answer.headers["Cross-Origin-Resource-Policy"]
    assert "no-cache" == answer.headers["Cache-Control"]


def test_serves_a_part_again_only_if_it_has_changed(api: Api) -> None:
    """A browser asks whether what it keeps is still right."""
    tag = api.get("/web/page.js").headers["ETag"]

    assert 304 == api.get("/web/page.js", headers={"If-None-Match": tag}).status_code


@pytest.mark.parametrize(
    "path",
    ["/web/nothing.js", "/web/page.html", "/web/", "/web", "/web/..%2fapp.py", "/web/../app.py", "/web/.js"],
)
def test_serves_nothing_else(wire: Wire, path: str) -> None:
    """What is no part of the page is not there."""
    problem_in(wire.ask(path, method="GET"), 404, "not-found")


@pytest.mark.parametrize("path", ["/", "/web/page.js"])
def test_can_be_turned_off(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """With WEB_ENABLED=false neither the page nor a part of it is there."""
    monkeypatch.setenv("WEB_ENABLED", "false")
    without = create_app(Settings.from_env()).test_client()

    problem_in(Answer.of(without.get(path)), 404, "not-found")


def test_asks_for_no_token_where_none_is_needed(api: Api, closed: Service) -> None:
    """Only the page of a service that takes tokens has a field for one."""
    fields = ['type="password"' in requests.get(url, timeout=60).text for url in (api.base, closed.url)]

    assert [False, True] == fields


def test_runs_no_foreign_script(visit: Visit, service_url: str) -> None:
    """What gets into the page as text or markup does not run, and nothing is fetched from elsewhere."""
    page = RacePage(visit, service_url).page

    refusals = page.evaluate(
        """async () => {
          const refusals = [];
          addEventListener("securitypolicyviolation", ({effectiveDirective}) => refusals.push(effectiveDirective));
          try { document.body.innerHTML += "<p onclick='alert(1)'>"; } catch { /* it is refused */ }
          await fetch("http://127.0.0.1:9/").catch(() => {});
          await new Promise((resolve) => setTimeout(resolve));
          return refusals;
        }"""
    )

    assert ["require-trusted-types-for", "connect-src"] == refusals


@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_is_accessible(
    browser: Browser, service_url: str, colours: Literal["light", "dark"], width: int
) -> None:
    """Before and after a race, axe finds nothing wrong, and nothing is to be scrolled sideways."""
    with visiting(browser, width=width, colours=colours, unprotected=True) as visit:
        race_page = RacePage(visit, service_url)
        violations = [Axe().run(race_page.page).generate_report()]
        race_page.start(clients=5, increments=2)
        race_page.wait_for("The race is over.")
        race_page.page.get_by_role("button", name="Replay").click()
        expect(race_page.page.locator("#stale-closing")).not_to_be_empty(timeout=PATIENCE)
        race_page.wait_until_idle()
        violations.append(Axe().run(race_page.page).generate_report())

        assert ["Found 0 accessibility violations:\n"] * 2 == violations
        assert width == race_page.page.evaluate("document.documentElement.scrollWidth")


def test_can_be_used_by_keyboard(visit: Visit, service_url: str) -> None:
    """Every control is reached in its order, and Enter starts the race."""
    page = RacePage(visit, service_url).page
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.value"))
    page.get_by_label("Increments of each").focus()
    page.keyboard.type("1")
    page.keyboard.press("Enter")

    strategies = ["naive", "occ", "scripted", "batched"]
    assert ["clients", "increments", *strategies, "start", "stop", "replay"] == reached
    expect(page.locator("#news")).to_have_text("The race is over.", timeout=PATIENCE)


def test_tells_screen_readers(visit: Visit, service_url: str) -> None:
    """What happens is in a live region, errors interrupt, and the chart is told in words."""
    race_page = RacePage(visit, service_url)
    race_page.start(strategies=["scripted"])
    race_page.wait_for("The race is over.")

    expect(race_page.page.get_by_role("status").filter(has=race_page.news)).to_contain_text(
        "/scripted lost none."
    )
    assert "alert" == race_page.complaint.get_attribute("role")
    expect(race_page.chart("scripted")).to_have_attribute(
        "aria-label", re.compile(r"After \d+\.\d s: 6 acknowledged, 6 stored\.")
    )


@pytest.mark.parametrize(("motion", "seconds"), [("reduce", "0s"), ("no-preference", "0.12s")])
def test_moves_only_for_who_wants_it(
    visit: Visit, service_url: str, motion: Literal["reduce", "no-preference"], seconds: str
) -> None:
    """Who asks for less motion sees bars jump."""
    visit.page.emulate_media(reduced_motion=motion)
    bar = RacePage(visit, service_url).card("naive").locator(".fill").first

    assert seconds == bar.evaluate("bar => getComputedStyle(bar).transitionDuration")


def test_can_be_told_apart_in_forced_colours(visit: Visit, service_url: str) -> None:
    """Who has the system's colours in place of the page's still sees bars on their tracks."""
    visit.page.emulate_media(forced_colors="active")
    bars = RacePage(visit, service_url).card("naive").locator(".bar.stored")

    ground, full = (
        bars.locator(part).evaluate("part => getComputedStyle(part).backgroundColor")
        for part in (".track", ".fill")
    )
    assert ground != full


def test_sums_up(visit: Visit, service_url: str) -> None:
    """The rate is of all increments that were answered, the 95th percentile of those acknowledged."""
    page = RacePage(visit, service_url).page

    sums = page.evaluate(
        """async () => {
          const {Tally} = await import("/web/tally.js");
          const tally = new Tally(250);
          for (let took = 100; took > 0; took -= 1) {
            tally.acknowledge({body: {attempts: 3, conflicts: 1}, took});
          }
          tally.fail({status: 409, outcome: "not-applied"});
          tally.fail({status: 503, outcome: "unknown"});
          tally.fail({status: 0, outcome: "unknown"});
          tally.elapsed = 2000;
          const {acknowledged, refused, unknown, conflicts, retries, rate, p95} = tally;
          return [acknowledged, refused, unknown, conflicts, retries, rate, p95];
        }"""
    )

    assert [100, 1, 2, 100, 200, 51, 95] == sums


@pytest.mark.parametrize(("counts", "sentence", "closing"), VERDICTS.values(), ids=VERDICTS)
def test_judges(visit: Visit, service_url: str, counts: str, sentence: str, closing: str | None) -> None:
    """The verdict says what was to be expected, what there is, and what that means."""
    page = RacePage(visit, service_url).page

    words = page.evaluate(
        """async ([acknowledged, refused, unknown, stored]) => {
          const {Tally} = await import("/web/tally.js");
          const {verdict, closing} = await import("/web/words.js");
          const tally = new Tally(250);
          Object.assign(tally, {acknowledged, refused, unknown, settled: stored !== null});
          if (stored !== null) tally.sample(1000, acknowledged, stored);
          return [verdict(tally).text, closing([["naive", tally]])];
        }""",
        [None if count == "null" else int(count) for count in counts.split(", ")],
    )

    summary = f"/naive {closing}" if closing else "What /naive came to is not known."
    assert [sentence, summary] == words
