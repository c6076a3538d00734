"""How the service ends: readiness first if it is told to wait, and what was accepted is answered."""

import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from localnode.serving import Service
from tests.api import Api
from tests.proxy import Exchange, Proxy
from tests.starting import Start
from tests.wire import Wire, request

PATIENT = {
    "WORKERS": "2",
    "ELASTICSEARCH_TIMEOUT": "60",
    "REQUEST_TIMEOUT": "60",
    "GRACEFUL_TIMEOUT": "90",
}
"""A service that a slow machine does not keep from answering."""


def await_shutdown(service: Service) -> None:
    """Return once gunicorn has said that it handles SIGTERM."""
    while "Handling signal: term" not in service.log.read_text():
        assert service.process.poll() is None


def test_an_accepted_request_is_answered(start: Start, proxy: Proxy, counter_id: str, api: Api) -> None:
    """A request that waits for Elasticsearch when SIGTERM comes gets its answer, and the exit code is 0."""
    service = start({**PATIENT, "WORKERS": "1"})
    under_way, stopping = threading.Event(), threading.Event()

    def hold(exchange: Exchange) -> None:
        exchange.forward()
        if exchange.is_write:
            under_way.set()
            assert stopping.wait(60)

    proxy.handle = hold
    with ThreadPoolExecutor(1) as pool, Api(service.url) as caller:
        answer = pool.submit(caller.post, f"/scripted/{counter_id}")
        assert under_way.wait(30)
        service.process.send_signal(signal.SIGTERM)
        await_shutdown(service)
        stopping.set()

    assert (200, 1) == (answer.result().status_code, answer.result().json()["value"])
    assert 0 == service.stop()
    assert 1 == api.value_of(counter_id)


def test_readiness_fails_first(start: Start, counter_id: str) -> None:
    """After SIGTERM the service is not ready any more but still serves; a second SIGTERM ends it at once."""
    service = start({"DRAIN_DELAY": "600", "WORKERS": "2"})

    with Api(service.url) as caller:
        service.process.send_signal(signal.SIGTERM)
        ready = next(
            answer for answer in iter(lambda: caller.get("/readyz"), None) if answer.status_code != 200
        )
        alive = caller.get("/healthz")
        counted = caller.post(f"/occ/{counter_id}")

    assert (503, "The service is shutting down.") == (ready.status_code, ready.json()["detail"])
    assert (200, 200) == (alive.status_code, counted.status_code)
    assert 0 == service.stop()


def test_the_delay_ends_by_itself(start: Start) -> None:
    """One SIGTERM is enough: the service is not ready for as long as the delay is, and then ends."""
    service = start({"DRAIN_DELAY": "1", "WORKERS": "1"})

    with Api(service.url) as caller:
        service.process.send_signal(signal.SIGTERM)
        ready = next(
            answer for answer in iter(lambda: caller.get("/readyz"), None) if answer.status_code != 200
        )

    assert "The service is shutting down." == ready.json()["detail"]
    assert 0 == service.process.wait(60)


def workers_of(service: Service) -> set[int]:
    """Return the process ids of its workers."""
    log = service.log.read_text()
    started = re.findall(r"Booting worker with pid: (\d+)", log)
    ended = re.findall(r"Worker exiting \(pid: (\d+)\)", log)
    return {int(pid) for pid in started} - {int(pid) for pid in ended}


def test_who_is_at_the_door_is_let_in(start: Start, counter_id: str, api: Api) -> None:
    """Connections that the kernel has made before SIGTERM, and no worker has accepted, are served and not reset."""
    service = start(PATIENT)
    workers = workers_of(service)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    with ExitStack() as stack:
        callers = [stack.enter_context(Wire(service.url)) for _ in range(20)]
        for caller in callers:
            caller.send(request(f"/scripted/{counter_id}", "Content-Length: 0"))
        service.process.send_signal(signal.SIGTERM)
        await_shutdown(service)
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        answers = [caller.receive() for caller in callers]

        assert {(200, "close")} == {(answer.status_code, answer.headers["connection"]) for answer in answers}
        assert all(caller.is_over() for caller in callers)
    assert 0 == service.stop()
    assert 20 == api.value_of(counter_id)


def test_nobody_is_let_in_any_more(start: Start, proxy: Proxy) -> None:
    """While the last requests are served, who asks for a connection is refused, and not kept waiting for nothing."""
    service = start(PATIENT)
    under_way, refused = threading.Event(), threading.Event()

    def hold(exchange: Exchange) -> None:
        if exchange.path.endswith("/_search"):
            under_way.set()
            assert refused.wait(60)
        exchange.forward()

    proxy.handle = hold
    with ThreadPoolExecutor(1) as pool, Api(service.url) as caller:
        answer = pool.submit(caller.get, "/counters")
        assert under_way.wait(30)
        service.process.send_signal(signal.SIGTERM)
        await_shutdown(service)
        with pytest.raises(ConnectionRefusedError), Wire(service.url):
            pass
        refused.set()

    assert 200 == answer.result().status_code
    assert 0 == service.stop()


@dataclass
class Caller:
    """Someone who increments a counter until the service can no longer be connected to, and keeps account.

    Attributes:
        url: Of the service.
        counter_id: The counter.
        stays: Whether the connection is used again as long as the service does not end it.
        acknowledged: How many increments were.
        failures: What else came of one.
    """

    url: str
    counter_id: str
    stays: bool
    acknowledged: int = 0
    failures: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Go on until a connection is refused."""
        headers = [] if self.stays else ["Connection: close"]
        while True:
            try:
                wire = Wire(self.url)
            except ConnectionRefusedError:
                return
            with wire:
                goes_on = True
                while goes_on:
                    goes_on = self.increment(wire, headers)

    def increment(self, wire: Wire, headers: list[str]) -> bool:
        """Ask for an increment, and say whether another can be asked for on the same connection."""
        try:
            answer = wire.ask(f"/scripted/{self.counter_id}", *headers)
        except (OSError, IndexError) as error:
            self.failures.append(repr(error))
            return False
        if answer.status_code == 200:
            self.acknowledged += 1
        else:
            self.failures.append(answer.text)
        return answer.headers["connection"] == "keep-alive"


@pytest.mark.parametrize("delay", ["0", "1"])
def test_no_request_is_lost_under_load(start: Start, counter_id: str, api: Api, delay: str) -> None:
    """Callers who never pause see every request answered, on lasting and on fresh connections, and then are refused."""
    service = start({**PATIENT, "DRAIN_DELAY": delay})
    callers = [Caller(service.url, counter_id, stays=number % 2 == 0) for number in range(16)]
    with ThreadPoolExecutor(len(callers)) as pool:
        running = [pool.submit(caller.run) for caller in callers]
        while sum(caller.acknowledged for caller in callers) < 200:
            assert service.process.poll() is None
        service.process.send_signal(signal.SIGTERM)
        for caller in running:
            caller.result()

    assert [[]] * len(callers) == [caller.failures for caller in callers]
    assert 0 == service.process.wait(60.0)
    assert sum(caller.acknowledged for caller in callers) == api.value_of(counter_id)


def test_a_reload_loses_nothing(start: Start, counter_id: str, api: Api) -> None:
    """At SIGHUP new workers take over from the old, on the same listener, and callers notice nothing."""
    service = start(PATIENT)
    before = workers_of(service)
    callers = [Caller(service.url, counter_id, stays=number % 2 == 0) for number in range(8)]
    with ThreadPoolExecutor(len(callers)) as pool:
        running = [pool.submit(caller.run) for caller in callers]
        service.process.send_signal(signal.SIGHUP)
        while before & workers_of(service):
            assert service.process.poll() is None
        at_reload = sum(caller.acknowledged for caller in callers)
        while sum(caller.acknowledged for caller in callers) < at_reload + 50:
            assert service.process.poll() is None
        service.process.send_signal(signal.SIGTERM)
        for caller in running:
            caller.result()

    assert [[]] * len(callers) == [caller.failures for caller in callers]
    assert sum(caller.acknowledged for caller in callers) == api.value_of(counter_id)
