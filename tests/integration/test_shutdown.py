"""How the service ends: readiness first if it is told to wait, and what was accepted is answered."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from localnode.serving import Service, serving
from service.settings import Settings
from tests.api import Api
from tests.proxy import Exchange, Proxy

Start = Callable[[Mapping[str, str]], Service]


@pytest.fixture
def start(proxy: Proxy, settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Start a service of its own behind the proxy, with further settings."""
    with ExitStack() as stack:

        def started(further: Mapping[str, str]) -> Service:
            environment = {
                "ELASTICSEARCH_URL": proxy.url,
                "COUNTERS_ALIAS": settings.counters_alias,
                **further,
            }
            return stack.enter_context(serving(environment, log=tmp_path / "log"))

        yield started


def await_shutdown(service: Service) -> None:
    """Return once gunicorn has said that it handles SIGTERM."""
    while "Handling signal: term" not in service.log.read_text():
        assert service.process.poll() is None


def test_an_accepted_request_is_answered(start: Start, proxy: Proxy, counter_id: str, api: Api) -> None:
    """A request that waits for Elasticsearch when SIGTERM comes gets its answer, and the exit code is 0."""
    service = start({"WORKERS": "1", "ELASTICSEARCH_TIMEOUT": "9"})
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
