"""The race page in a real browser: what its races show, and what they leave behind."""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route, expect

from localnode.processes import wait_until
from localnode.serving import Service
from service.strategies import STRATEGIES
from tests.api import Api
from tests.browser import Visit
from tests.callers import OWN, SECRETS
from tests.conflicts import stale
from tests.proxy import Exchange, Proxy
from tests.race_page import PATIENCE, RacePage, left_behind
from tests.starting import Start
from tests.strategies import EXACT

SLOW: Final[Mapping[str, str]] = {"ELASTICSEARCH_TIMEOUT": "25", "REQUEST_TIMEOUT": "25"}
"""Settings for a busy machine; the page itself waits for half a minute."""

TWO_TRIES: Final[Mapping[str, str]] = {"CONFLICT_MAX_ATTEMPTS": "2", "CONFLICT_BACKOFF_CAP": "0.01"}
"""Settings of a service that soon refuses what meets conflicts."""


class Meeting:
    """Has two of the clients of `/naive` read the same value, for as long as which both wait.

    The page looks at the counter through one connection, so that of three readers two are clients.
    """

    def __init__(self) -> None:
        self.barrier = threading.Barrier(3, timeout=60)
        self.places = threading.Semaphore(3)
        self.made = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        """Forward; after the first reads of a counter that has been made, wait for the others."""
        exchange.forward()
        if not exchange.path.endswith("-naive"):
            return
        if exchange.is_write:
            self.made.set()
        elif self.made.is_set() and self.places.acquire(blocking=False):
            self.barrier.wait()


class Held:
    """Holds the first increments of `/scripted` back until they are let go, forwarded or lost; others pass."""

    def __init__(self, increments: int, *, then: Callable[[Exchange], None] = Exchange.forward) -> None:
        self.places = threading.Semaphore(increments)
        self.there = threading.Semaphore(0)
        self.go = threading.Event()
        self.increments = increments
        self.then = then

    def __call__(self, exchange: Exchange) -> None:
        """Hold an increment; forward all else."""
        if "/_update/" in exchange.path and self.places.acquire(blocking=False):
            self.there.release()
            self.go.wait(60)
            self.then(exchange)
        else:
            exchange.forward()

    def wait(self) -> None:
        """Wait until they are all there."""
        for _ in range(self.increments):
            assert self.there.acquire(timeout=60)


def forward_and_lose(exchange: Exchange) -> None:
    """Have it done, and tell nobody."""
    exchange.forward()
    exchange.lose()


@pytest.fixture
def race_page(visit: Visit, start: Start) -> RacePage:
    """The page of a service that reaches Elasticsearch through the proxy, and has time."""
    return RacePage(visit, start(SLOW).url)


def path_of_counter(race_page: RacePage) -> str:
    """Return the path of the one counter that the page has made."""
    [made] = [answer.url for answer in race_page.answers if answer.request.method == "PUT"]
    return urlsplit(made).path


def wait_for_status(api: Api, path: str, status: int) -> None:
    """Ask until this is the answer."""
    assert wait_until(lambda: api.get(path).status_code == status, timeout=PATIENCE / 1000)


def test_naive_loses_and_the_others_do_not(
    visit: Visit, race_page: RacePage, proxy: Proxy, api: Api, refresh: Callable[[], object]
) -> None:
    """All strategies race with as many clients; each verdict is what came of it, and every counter is removed."""
    proxy.handle = Meeting()

    race_page.start(clients=5, increments=4)
    race_page.wait_for("The race is over.")
    race_page.wait_until_idle()

    stored = int(race_page.shown("naive", "stored"))
    assert 0 < stored < 20
    assert f"expected 20, got {stored}: {20 - stored} lost" == race_page.shown("naive", "verdict")
    assert str(20 - stored) == race_page.shown("naive", "lost")
    for strategy in EXACT:
        assert "expected 20, got 20: none lost" == race_page.shown(strategy, "verdict")
        assert "0" == race_page.shown(strategy, "lost")
    for strategy in STRATEGIES:
        assert [200] * 20 == race_page.statuses("POST", f"{strategy}/")
        bodies = race_page.bodies("POST", f"{strategy}/")
        assert "20" == race_page.shown(strategy, "acknowledged")
        assert str(sum(body["conflicts"] for body in bodies)) == race_page.shown(strategy, "conflicts")
        assert str(sum(body["attempts"] - 1 for body in bodies)) == race_page.shown(strategy, "retries")
        expect(race_page.card(strategy).locator("svg polyline.stored")).to_have_count(1)
    expect(race_page.closing).to_have_text(
        f"/naive lost {20 - stored} of the 20 increments it had acknowledged."
        " /occ, /scripted and /batched lost none."
    )
    assert [201] * 4 == race_page.statuses("PUT", "counters/")
    assert [204] * 4 == race_page.statuses("DELETE", "counters/")
    assert [] == left_behind(api, refresh)
    assert {urlsplit(race_page.page.url).netloc} == visit.hosts
    assert [] == visit.complaints


def test_races_only_what_is_chosen(visit: Visit, service_url: str) -> None:
    """Strategies that are not chosen send nothing and show nothing; without any the page says what is missing."""
    race_page = RacePage(visit, service_url)

    race_page.start(strategies=[])
    expect(race_page.complaint).to_have_text("Choose at least one strategy.")
    race_page.start(strategies=["batched"])
    race_page.wait_for("The race is over.")

    expect(race_page.complaint).to_be_hidden()
    expect(race_page.card("batched")).to_be_visible()
    expect(race_page.card("naive")).to_be_hidden()
    assert [] == race_page.statuses("POST", "naive/")
    assert [200] * 6 == race_page.statuses("POST", "batched/")


@pytest.mark.parametrize(
    ("label", "value"), [("Clients", "7"), ("Clients", "0"), ("Increments of each", "1001")]
)
def test_refuses_numbers_out_of_range(visit: Visit, service_url: str, label: str, value: str) -> None:
    """What no browser could do, or nobody would wait for, is not begun."""
    race_page = RacePage(visit, service_url)

    field = race_page.page.get_by_label(label)
    field.fill(value)
    race_page.page.get_by_role("button", name="Start").click()

    expect(field).to_be_focused()
    assert not field.evaluate("field => field.validity.valid")
    assert [] == race_page.statuses("PUT", "")


def test_shows_nothing_of_the_race_before(race_page: RacePage, proxy: Proxy) -> None:
    """At Start every card is emptied; after Stop in the first strategy the others say that they have not raced."""
    blank = race_page.figures("batched")
    race_page.start(increments=1, strategies=["scripted", "batched"])
    race_page.wait_for("The race is over.")
    race_page.wait_until_idle()
    assert blank != race_page.figures("batched")
    proxy.handle = held = Held(2)

    race_page.start(increments=2, strategies=["scripted", "batched"])
    held.wait()
    assert "waiting for its turn" == race_page.shown("batched", "verdict")
    assert blank == race_page.figures("batched")
    expect(race_page.chart("scripted")).to_have_attribute(
        "aria-label", "Racing: 0 acknowledged, 0 stored.", timeout=PATIENCE
    )
    race_page.stop()
    held.go.set()
    race_page.wait_for("Stopped.")

    assert "expected 2, got 2: none lost" == race_page.shown("scripted", "verdict")
    assert "not raced" == race_page.shown("batched", "verdict")
    assert blank == race_page.figures("batched")
    expect(race_page.closing).to_have_text("/scripted lost none.")


def test_stop_before_the_first_increment(race_page: RacePage, proxy: Proxy) -> None:
    """Who presses Stop while the counter is made sees no verdict, as nothing has been tried."""
    made, go = threading.Event(), threading.Event()

    def hold_writes(exchange: Exchange) -> None:
        exchange.forward()
        if exchange.is_write:
            made.set()
            go.wait(60)

    proxy.handle = hold_writes
    race_page.start(strategies=["scripted"])
    assert made.wait(60)
    race_page.stop()
    go.set()
    race_page.wait_for("Stopped.")

    assert "not raced" == race_page.shown("scripted", "verdict")
    assert [] == race_page.statuses("POST", "")
    expect(race_page.closing).to_be_empty()


def test_keeps_the_focus(race_page: RacePage, proxy: Proxy) -> None:
    """Who presses a button by keyboard stays on it, although it cannot be pressed again at once."""
    focused = "document.activeElement.id"
    proxy.handle = held = Held(2)
    race_page.fill_in(strategies=["scripted"])

    race_page.page.get_by_role("button", name="Start").press("Enter")
    held.wait()
    started = race_page.page.evaluate(focused)
    race_page.page.keyboard.press("Enter")
    race_page.page.get_by_role("button", name="Stop").press("Enter")
    stopped = race_page.page.evaluate(focused)
    held.go.set()
    race_page.wait_for("Stopped.")
    race_page.wait_until_idle()
    over = race_page.page.evaluate(focused)
    replay = race_page.page.get_by_role("button", name="Replay")
    replay.press("Enter")
    expect(race_page.page.locator("#stale-closing")).not_to_be_empty(timeout=PATIENCE)
    expect(replay).to_be_enabled(timeout=PATIENCE)

    assert ["start", "stop", "stop", "replay"] == [started, stopped, over, race_page.page.evaluate(focused)]
    assert [201, 201] == race_page.statuses("PUT", "")


def test_stop_waits_for_what_is_under_way(
    race_page: RacePage, proxy: Proxy, api: Api, refresh: Callable[[], object]
) -> None:
    """After Stop nothing more is sent, what had been sent is counted, and the counters are removed."""
    proxy.handle = held = Held(4)
    race_page.start(clients=4, increments=50, strategies=["scripted", "batched"])
    held.wait()

    race_page.stop()
    expect(race_page.news).to_contain_text("Stopping", timeout=PATIENCE)
    held.go.set()
    race_page.wait_for("Stopped.")
    race_page.wait_until_idle()

    assert "expected 4, got 4: none lost" == race_page.shown("scripted", "verdict")
    assert [200] * 4 == race_page.statuses("POST", "")
    expect(race_page.page.get_by_role("button", name="Stop")).to_be_disabled()
    assert [] == left_behind(api, refresh)


def test_removes_its_counters_when_it_is_left(race_page: RacePage, proxy: Proxy, api: Api) -> None:
    """Who closes the page amid a race leaves no counter; one that is made anew after that goes at the next visit."""
    url = race_page.page.url
    proxy.handle = held = Held(2)
    race_page.start(clients=2, strategies=["scripted"])
    held.wait()
    expect(race_page.news).to_contain_text("/scripted races", timeout=PATIENCE)
    path = path_of_counter(race_page)
    assert 0 == api.value_of(path.removeprefix("/counters/"))

    race_page.page.goto("about:blank")

    wait_for_status(api, path, 404)
    held.go.set()
    wait_for_status(api, path, 200)
    race_page.page.goto(url)
    wait_for_status(api, path, 404)


def test_does_not_go_on_when_it_was_left(
    race_page: RacePage, proxy: Proxy, api: Api, refresh: Callable[[], object]
) -> None:
    """A page that comes back from the browser's cache sends no further increment, and removes its counter again."""
    proxy.handle = held = Held(2)
    race_page.start(clients=2, strategies=["scripted"])
    held.wait()

    race_page.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    wait_for_status(api, path_of_counter(race_page), 404)
    held.go.set()
    race_page.wait_for("Stopped.")
    race_page.wait_until_idle()

    assert [200] * 2 == race_page.statuses("POST", "")
    assert [] == left_behind(api, refresh)


@pytest.mark.parametrize("body", ["<p>Who are you?</p>", "", '{"value": 1}', '{"value": "1", "attempts": 1}'])
def test_says_that_something_else_answers(visit: Visit, service_url: str, body: str) -> None:
    """A success that does not tell what the service's do is no acknowledgement: nobody knows what became of it."""
    race_page = RacePage(visit, service_url)
    race_page.page.route("**/scripted/*", partial(Route.fulfill, status=200, body=body))

    race_page.start(clients=1, strategies=["scripted"])

    race_page.wait_for("The race has broken off.")
    expect(race_page.complaint).to_have_text(
        "What answers does not speak as the service does.", timeout=PATIENCE
    )
    verdict = "expected 0 to 1, got 0: nothing was acknowledged, 1 of unknown outcome"
    assert verdict == race_page.shown("scripted", "verdict")
    expect(race_page.closing).to_have_text("/scripted acknowledged nothing. /scripted: 1 of unknown outcome.")


def test_tells_what_is_refused(visit: Visit, start: Start, proxy: Proxy) -> None:
    """An increment whose conflicts last is refused, the race goes on, and its conflicts are not those shown."""
    race_page = RacePage(visit, start({**SLOW, **TWO_TRIES}).url)
    conflict = stale(3)
    proxy.handle = lambda exchange: (conflict if "/_update/" in exchange.path else Exchange.forward)(exchange)

    race_page.start(clients=1, increments=3, strategies=["scripted"])
    race_page.wait_for("The race is over.")

    assert [409, 200, 200] == race_page.statuses("POST", "")
    assert "expected 2, got 2: none lost, 1 refused" == race_page.shown("scripted", "verdict")
    assert ["1", "1"] == [race_page.shown("scripted", what) for what in ("conflicts", "retries")]
    expect(race_page.closing).to_have_text("/scripted lost none. /scripted: 1 refused.")


def test_says_that_the_service_cannot_be_reached(visit: Visit, start: Start) -> None:
    """A service that is gone is told in a sentence, and the race may be started again."""
    service = start({})
    race_page = RacePage(visit, service.url)
    service.stop()

    race_page.start(strategies=["occ"])

    expect(race_page.complaint).to_contain_text("The service cannot be reached.", timeout=PATIENCE)
    race_page.wait_until_idle()


def test_says_that_elasticsearch_cannot_be_reached(race_page: RacePage, proxy: Proxy) -> None:
    """A 503 is told in a sentence, with what the service says of it."""
    proxy.handle = Exchange.lose

    race_page.start(strategies=["occ"])

    expect(race_page.complaint).to_contain_text(
        "The service is there, but cannot count now: Elasticsearch", timeout=PATIENCE
    )


def test_tells_what_is_not_known(
    race_page: RacePage, proxy: Proxy, api: Api, refresh: Callable[[], object]
) -> None:
    """An increment whose answer is lost may be counted; the race ends with it, and the verdict allows for both."""
    proxy.handle = held = Held(1, then=forward_and_lose)
    held.go.set()

    race_page.start(clients=1, increments=5, strategies=["scripted", "batched"])

    race_page.wait_for("The race has broken off.")
    race_page.wait_until_idle()
    verdict = "expected 0 to 1, got 1: nothing was acknowledged, 1 of unknown outcome"
    assert verdict == race_page.shown("scripted", "verdict")
    assert "not raced" == race_page.shown("batched", "verdict")
    expect(race_page.complaint).to_contain_text("cannot count now")
    assert [503] == race_page.statuses("POST", "")
    assert [] == left_behind(api, refresh)


def test_takes_only_what_can_be_a_token(visit: Visit, closed: Service) -> None:
    """A token with a letter that no header can carry is refused by its field, and the race is not begun."""
    race_page = RacePage(visit, closed.url)
    field = race_page.page.get_by_label("Token")

    field.fill("tökén-Ω")
    race_page.start(strategies=["occ"])

    expect(field).to_be_focused()
    assert field.evaluate("field => field.validity.patternMismatch")
    assert [] == race_page.statuses("PUT", "")


def test_asks_for_a_token(visit: Visit, closed: Service) -> None:
    """Where tokens are needed the page is shown without, asks for one, sends it along, and keeps it nowhere."""
    race_page = RacePage(visit, closed.url)

    race_page.start(strategies=["occ"])
    expect(race_page.page.get_by_label("Token")).to_be_focused()
    assert [] == race_page.statuses("PUT", "")
    race_page.page.get_by_label("Token").fill(SECRETS["billing"])
    race_page.page.get_by_label("Ids begin with").fill(f"{OWN}race-")
    race_page.start(strategies=["occ"])
    race_page.wait_for("The race is over.")
    race_page.wait_until_idle()

    assert [204] == race_page.statuses("DELETE", f"counters/{OWN}race-")
    kept = "[localStorage.length, sessionStorage.length, document.cookie]"
    assert [0, 0, ""] == race_page.page.evaluate(kept)
    assert [] == visit.complaints


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ("wrong", "The token is not the service's: The token is not known here."),
        (SECRETS["writer"], "The token does not allow the race: The token lacks the scope admin."),
        (SECRETS["billing"], f"The token is confined to ids that begin with '{OWN}'."),
    ],
    ids=["unknown", "without the scope", "confined to others"],
)
def test_says_that_a_token_does_not_do(visit: Visit, closed: Service, secret: str, sentence: str) -> None:
    """A 401 or 403 is told in a sentence before anything is made that could not be removed."""
    race_page = RacePage(visit, closed.url)
    race_page.page.get_by_label("Token").fill(secret)

    race_page.start()

    expect(race_page.complaint).to_contain_text(sentence, timeout=PATIENCE)
    assert [] == race_page.statuses("POST", "")
