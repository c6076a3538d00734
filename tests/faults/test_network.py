"""Row 8: the network to Elasticsearch is slow, uneven, or swallows everything."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Final

import pytest

from localnode.serving import Service, serving
from service.settings import Settings
from tests.api import Api
from tests.faults.callers import Crowd
from tests.faults.cases import singles
from tests.faults.conftest import Enter
from tests.faults.tcp_proxy import Exchange, Handler, TcpProxy

CALL: Final = 1.0
REQUEST: Final = 3.0
"""Seconds that a call to Elasticsearch and a request to the service may take."""

SLACK: Final = 15.0
"""Seconds by which a busy machine may be late. Who waits longer for an answer would have waited forever."""

CALLERS: Final = 2
CASES: Final = [*singles(keyed=True), *singles(keyed=False)]


@pytest.fixture(scope="module")
def service(
    back_proxy: TcpProxy, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service behind the network."""
    environment = {
        "ELASTICSEARCH_URL": back_proxy.url,
        "COUNTERS_ALIAS": settings.counters_alias,
        "ELASTICSEARCH_TIMEOUT": f"{CALL}",
        "REQUEST_TIMEOUT": f"{REQUEST}",
    }
    with serving(environment, log=tmp_path_factory.mktemp("network") / "log") as service:
        yield service


@pytest.fixture
def crowds(service: Service, counter_id: str) -> list[Crowd]:
    """Callers of each kind, none of whom waits much longer than the service may take."""
    return [Crowd(service.url, case, f"{counter_id}-{case}", timeout=REQUEST + SLACK) for case in CASES]


def delay(seconds: Callable[[], float]) -> Handler:
    """Return what holds every reply back for as long as ``seconds`` says."""

    def handle(exchange: Exchange) -> None:
        exchange.forward()
        time.sleep(seconds())

    return handle


def trickle(exchange: Exchange) -> None:
    """Give the reply byte by byte: something always comes, and it would take longer than anybody may."""
    exchange.forward()
    for byte in exchange.reply:
        exchange.give(bytes([byte]))
        time.sleep(CALL / 4)
    exchange.close()


DRAWN: Final = random.Random(8)  # noqa: S311 - the same delays in every run, not a secret

SLOW: Final = {
    "every reply 200 ms late": lambda: 0.2,
    "replies up to 1.3 s late, the time-out being 1 s": lambda: DRAWN.uniform(0.0, 1.3 * CALL),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.long) for name in SLOW])
def test_a_slow_network_is_waited_for(
    back: TcpProxy, service: Service, crowds: list[Crowd], enter: Enter, name: str
) -> None:
    """Replies that come late are as good as others, and those that come too late are unknown; all count once."""
    back.handle = delay(SLOW[name])
    with ExitStack() as stack:
        for crowd in crowds:
            stack.enter_context(crowd.incrementing(callers=CALLERS, times=5))
    back.reset()
    back.wait_until_idle()

    settle(service, crowds, enter, name)


class Hole:
    """Holds every request back, and lets all of them go on late."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        """Forward once the hole is over."""
        assert self.over.wait(60.0)
        exchange.forward()


def test_a_black_hole_is_answered_in_time(
    back: TcpProxy, service: Service, crowds: list[Crowd], enter: Enter
) -> None:
    """What was swallowed is unknown, and once; the service lives and is not ready."""
    hole = Hole()

    def begin() -> None:
        back.handle = hole

    def end() -> None:
        back.reset()
        hole.over.set()

    outage(service, crowds, begin, end)
    back.wait_until_idle()

    settle(service, crowds, enter, "everything swallowed, then delivered late")


def test_nobody_there_is_answered_in_time(
    back: TcpProxy, service: Service, crowds: list[Crowd], enter: Enter
) -> None:
    """Where not even a connection comes about nothing is applied; the service lives and is not ready."""
    outage(service, crowds, back.vanish, back.reset)

    settle(service, crowds, enter, "no answer to a connection")


def test_a_trickling_reply_is_answered_in_time(
    back: TcpProxy, service: Service, crowds: list[Crowd], enter: Enter
) -> None:
    """A reply that never stops coming is given up; the service lives and is not ready."""

    def begin() -> None:
        back.handle = trickle

    outage(service, crowds, begin, back.reset)
    back.wait_until_idle()

    settle(service, crowds, enter, "replies byte by byte")


def outage(service: Service, crowds: list[Crowd], begin: Callable[[], None], end: Callable[[], None]) -> None:
    """Let callers call before, during and after an outage, which lasts until each has been told of it."""
    with Api(service.url) as api, ExitStack() as stack:
        tallies = [stack.enter_context(crowd.incrementing(callers=CALLERS)) for crowd in crowds]
        for tally in tallies:
            tally.successes(10)()
        told = [tally.failures(CALLERS) for tally in tallies]
        begin()
        try:
            for each in told:
                each()
            alive, ready = api.get("/healthz"), api.get("/readyz")
        finally:
            end()
        for tally in tallies:
            tally.successes(10)()

    assert (200, 503) == (alive.status_code, ready.status_code)


def settle(service: Service, crowds: list[Crowd], enter: Enter, fault: str) -> None:
    """Enter what callers of each kind have come to, all of whom must have been answered in time."""
    with Api(service.url) as api:
        enter(*(crowd.figures(api, row=8, fault=fault, struck=1) for crowd in crowds))
    assert [0] * len(crowds) == [crowd.tally.silences for crowd in crowds]
