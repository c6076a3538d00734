"""Row 11: SIGTERM while callers call."""

import contextlib
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final
from urllib.parse import urlsplit

from localnode.serving import Service
from tests.api import Api
from tests.faults.callers import Caller, Crowd
from tests.faults.cases import Case, every_case, for_each
from tests.faults.conftest import Enter, Start
from tests.faults.tcp_proxy import Exchange, TcpProxy

WORKERS: Final = 2
THREADS: Final = 4
CALLERS: Final = 3 * WORKERS * THREADS
"""More than there are threads: the others wait, accepted."""

SECONDS: Final = 60.0
KEYLESS: Final = [case for case in every_case(naive=False) if not case.keyed]
SHORT: Final = [Case("scripted", keyed=False), Case("batched", keyed=False)]


class Gate:
    """Holds what has been written until it is opened, and lets `wait_for` see how much there is."""

    def __init__(self) -> None:
        self._reached = threading.Semaphore(0)
        self._opened = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        """Forward the exchange, and hold the reply to a write back."""
        exchange.forward()
        if exchange.is_write:
            self._reached.release()
            assert self._opened.wait(SECONDS)

    def wait_for(self, writes: int) -> None:
        """Wait until so many are held."""
        for _ in range(writes):
            assert self._reached.acquire(timeout=SECONDS)

    def open(self) -> None:
        """Let all of them go on, and those that come."""
        self._opened.set()


@for_each(KEYLESS, short=SHORT)
def test_what_was_accepted_is_answered(
    start: Start, back: TcpProxy, api: Api, enter: Enter, counter_id: str, case: Case
) -> None:
    """Requests that are under way at SIGTERM, or wait for a thread, are carried out and answered."""
    service = start({"WORKERS": f"{WORKERS}", "THREADS": f"{THREADS}", "ELASTICSEARCH_URL": back.url})
    crowd, gate = Crowd(service.url, case, counter_id), Gate()
    with ExitStack() as stack:
        callers = [stack.enter_context(Caller(crowd)) for _ in range(CALLERS)]
        # Once each, so that what comes next comes on connections that have been accepted.
        first = [caller.increment() for caller in callers]
        back.handle = gate
        with ThreadPoolExecutor(CALLERS) as pool:
            calls = [pool.submit(caller.increment) for caller in callers]
            crowd.tally.wait_until(lambda tally: tally.requested == 2 * CALLERS * len(crowd.counter_ids))
            # One worker has that many connections at least, whoever has the others.
            gate.wait_for(1 if case.writes_alone else THREADS)
            service.process.send_signal(signal.SIGTERM)
            await_closed(service)
            gate.open()
            second = [call.result() for call in calls]
        code = service.process.wait(SECONDS)

    assert ([True] * CALLERS, [True] * CALLERS) == (first, second)
    assert 0 == code
    enter(crowd.figures(api, row=11, fault="SIGTERM, requests under way and waiting", struck=1))


@for_each(KEYLESS, short=SHORT)
def test_who_heeds_readiness_meets_no_refusal(
    start: Start, api: Api, enter: Enter, counter_id: str, case: Case
) -> None:
    """With a delay before the end, callers who stop when the service is not ready any more lose nothing."""
    service = start({"DRAIN_DELAY": "3"})
    crowd = Crowd(service.url, case, counter_id)
    with Api(service.url) as balancer, crowd.incrementing(callers=8) as tally:
        tally.successes(50)()
        service.process.send_signal(signal.SIGTERM)
        while balancer.get("/readyz").ok:
            assert service.process.poll() is None
    code = service.process.wait(SECONDS)

    assert (0, 0, 0) == (tally.failed, tally.silences, code)
    enter(crowd.figures(api, row=11, fault="SIGTERM under load, readiness failing first", struck=1))


@for_each(KEYLESS, short=SHORT)
def test_who_does_not_heed_it_is_refused_and_not_reset(
    start: Start, api: Api, enter: Enter, counter_id: str, case: Case
) -> None:
    """Callers who go on through the end are answered or refused; none is left not knowing."""
    service = start({})
    crowd = Crowd(service.url, case, counter_id)
    with crowd.incrementing(callers=8) as tally:
        tally.successes(50)()
        refused = tally.failures(8)
        service.process.send_signal(signal.SIGTERM)
        code = service.process.wait(SECONDS)
        refused()

    assert (0, 0) == (tally.silences, code)
    enter(crowd.figures(api, row=11, fault="SIGTERM under load, at once", struck=1))


def await_closed(service: Service) -> None:
    """Return once every worker has heard the signal and nobody new is let in."""
    address = urlsplit(service.url)
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            socket.create_connection((address.hostname or "", address.port or 80), timeout=SECONDS).close()
