"""Row 10: a worker of gunicorn is killed in the middle of a request."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from typing import Final

import pytest

from localnode.serving import Service, serving
from service.settings import Settings
from tests.api import Api
from tests.faults.callers import Crowd
from tests.faults.cases import Case, every_case, for_each, singles
from tests.faults.conftest import Enter
from tests.faults.tcp_proxy import Exchange, TcpProxy

SECONDS: Final = 60.0


@pytest.fixture(scope="module")
def service(
    back_proxy: TcpProxy, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service with one worker, so that it is known which one has the request."""
    environment = {
        "ELASTICSEARCH_URL": back_proxy.url,
        "COUNTERS_ALIAS": settings.counters_alias,
        "WORKERS": "1",
    }
    with serving(environment, log=tmp_path_factory.mktemp("worker") / "log") as service:
        yield service


class Stop:
    """Where the first write stands still: before Elasticsearch hears of it, or after it has answered.

    Attributes:
        reached: Set once the write stands there.
        released: To be set so that it goes on.
    """

    def __init__(self, *, applied: bool) -> None:
        self._applied = applied
        self._places = threading.Semaphore(1)
        self.reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        """Forward the exchange; the first write, with a stop before or after."""
        if not exchange.is_write or not self._places.acquire(blocking=False):
            exchange.forward()
            return
        if self._applied:
            exchange.forward()
        self.reached.set()
        assert self.released.wait(SECONDS)
        if not self._applied:
            exchange.forward()


def kill_worker(service: Service) -> None:
    """SIGKILL the worker that was started last; gunicorn starts another."""
    worker = re.findall(r"Booting worker with pid: (\d+)", service.log.read_text())[-1]
    os.kill(int(worker), signal.SIGKILL)


def callers_of(case: Case) -> int:
    """Return how many callers there are: several where a worker takes those along whose write has to wait."""
    return 4 if case.shares_writes else 1


@pytest.mark.parametrize("applied", [False, True], ids=["unapplied", "applied"])
@for_each(every_case(naive=True), short=singles(keyed=True))
def test_a_killed_worker_takes_nothing_with_it(
    back: TcpProxy, service: Service, enter: Enter, counter_id: str, case: Case, *, applied: bool
) -> None:
    """Its callers are told nothing and replay, while what the worker had sent comes to Elasticsearch."""
    crowd = Crowd(service.url, case, counter_id)
    back.handle = stop = Stop(applied=applied)
    with crowd.incrementing(callers=callers_of(case), times=1) as tally:
        assert stop.reached.wait(SECONDS)
        kill_worker(service)
        tally.wait_until(lambda tally: tally.silences > 0)
        stop.released.set()
    back.wait_until_idle()

    with Api(service.url) as api:
        fault = f"worker killed {'after' if applied else 'before'} its write was applied"
        enter(crowd.figures(api, row=10, fault=fault, struck=1))


@for_each((case for case in every_case(naive=False) if case.keyed), short=singles(keyed=True))
def test_what_a_killed_worker_had_sent_comes_too_late(
    back: TcpProxy, service: Service, enter: Enter, counter_id: str, case: Case
) -> None:
    """Its callers replay and succeed, and only then what the worker had sent comes to Elasticsearch."""
    crowd = Crowd(service.url, case, counter_id)
    back.handle = stop = Stop(applied=False)
    callers = callers_of(case)
    with crowd.incrementing(callers=callers, times=1) as tally:
        assert stop.reached.wait(SECONDS)
        kill_worker(service)
        tally.wait_until(lambda tally: tally.succeeded == callers * len(crowd.counter_ids))
        stop.released.set()
    back.wait_until_idle()

    with Api(service.url) as api:
        enter(crowd.figures(api, row=10, fault="worker killed, its write applied after the replay", struck=1))
