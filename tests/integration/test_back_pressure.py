"""What happens when more is asked for than can be done: it is refused at once, and nothing is half done."""

import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import pytest
import requests

from localnode.processes import wait_until
from localnode.serving import Service
from service.strategies import STRATEGIES
from tests.api import Api
from tests.problems import check, problem_in
from tests.proxy import Exchange, Proxy
from tests.scraping import scrape
from tests.starting import Start
from tests.strategies import READING


class Full:
    """A service both of whose threads wait for Elasticsearch, with room for one request more.

    ``running`` are the increments that they serve.
    """

    def __init__(self, url: str, pool: ThreadPoolExecutor, proxy: Proxy, counter_id: str) -> None:
        self.url = url
        self.counter_id = counter_id
        self._pool = pool
        self._released = threading.Event()
        under_way = threading.Barrier(3)

        def handle(exchange: Exchange) -> None:
            if exchange.is_write and not self._released.is_set():
                under_way.wait(60)
                assert self._released.wait(60)
            exchange.forward()

        proxy.handle = handle
        self.running = [self.post(), self.post()]
        under_way.wait(60)

    def post(self, headers: Mapping[str, str] | None = None) -> "Future[requests.Response]":
        """Send an increment."""

        def sent() -> requests.Response:
            with Api(self.url) as api:
                return api.post(f"/scripted/{self.counter_id}", headers=headers)

        return self._pool.submit(sent)

    def fill(self) -> "tuple[Future[requests.Response], Future[requests.Response]]":
        """Ask for more until a request waits, and return one that was refused and the one that waits."""
        [refused], [waiting] = wait([self.post(), self.post()], return_when=FIRST_COMPLETED)
        return refused, waiting

    def release(self) -> None:
        """Let Elasticsearch answer, what waits and what comes."""
        self._released.set()


@pytest.fixture
def full(start: Start, proxy: Proxy, counter_id: str) -> Iterator[Full]:
    """Start that service, and have its threads wait."""
    service: Service = start(
        {
            "WORKERS": "1",
            "THREADS": "2",
            "MAX_WAITING": "1",
            "ELASTICSEARCH_TIMEOUT": "60",
            "REQUEST_TIMEOUT": "60",
            "GRACEFUL_TIMEOUT": "90",
        }
    )
    with ThreadPoolExecutor(8) as pool:
        full = Full(service.url, pool, proxy, counter_id)
        yield full
        full.release()


def test_a_bounded_number_of_requests_wait(full: Full, api: Api) -> None:
    """Of two requests more than there are threads one waits and is served; the other is refused and does nothing."""
    refused, waiting = full.fill()
    full.release()

    assert "not-applied" == problem_in(refused.result(), 503, "unavailable")["outcome"]
    assert int(refused.result().headers["Retry-After"]) >= 1
    assert [200] * 3 == [served.result().status_code for served in (*full.running, waiting)]
    assert 3 == api.value_of(full.counter_id)


def test_a_refusal_is_no_farewell(full: Full) -> None:
    """Who was refused may ask again on the same connection, and is served once there is room."""
    full.fill()
    with Api(full.url) as caller:
        refused = [caller.post(f"/scripted/{full.counter_id}").status_code for _ in range(3)]
        full.release()
        wait(full.running)
        served = caller.post(f"/scripted/{full.counter_id}").status_code

    assert [503] * 3 == refused
    assert 200 == served


def test_probes_are_answered(full: Full) -> None:
    """A service that waits for Elasticsearch with all its threads lives, and is not ready for more."""
    full.fill()
    with Api(full.url) as probe:
        alive = [probe.get("/healthz").status_code for _ in range(5)]
        ready = probe.get("/readyz")

    assert [200] * 5 == alive
    assert "not-applied" == problem_in(ready, 503, "unavailable")["outcome"]


def test_it_is_seen(full: Full) -> None:
    """Who looks at the metrics is told that all threads have work, another request waits, and more are refused."""

    def seen() -> tuple[float, bool]:
        with Api(full.url) as prometheus:
            now = scrape(prometheus)
        busy = now.total("http_requests_refused_total", reason="busy")
        return now.total("http_requests_in_flight"), busy > 0

    full.fill()

    assert wait_until(lambda: seen() == (3.0, True), timeout=60.0)


def test_what_waited_too_long_is_not_begun(full: Full, api: Api) -> None:
    """The time of a request counts while it waits for a thread; once it is over nobody waits for one any longer."""
    late = full.post({"X-Request-Timeout": "0.001"}).result()
    assert not any(running.done() for running in full.running)
    with Api(full.url) as prometheus:
        overdue = scrape(prometheus).total("http_requests_refused_total", reason="overdue")
    refused, in_time = full.fill()
    full.release()

    assert 1 == overdue
    assert "not-applied" == problem_in(late, 503, "unavailable")["outcome"]
    assert int(late.headers["Retry-After"]) >= 1
    # What was given up has left its place to another.
    assert [503, 200] == [each.result().status_code for each in (refused, in_time)]
    assert [200, 200] == [running.result().status_code for running in full.running]
    assert 3 == api.value_of(full.counter_id)


REJECTED = {"type": "es_rejected_execution_exception", "reason": "rejected execution"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_elasticsearch_refuses_a_list(
    proxy: Proxy, proxied_api: Api, api: Api, counter_id: str, strategy: str
) -> None:
    """A list that Elasticsearch has no time for has changed nothing, item by item."""

    def handle(exchange: Exchange) -> None:
        if exchange.is_write:
            exchange.answer(429, {"error": REJECTED, "status": 429})
        else:
            exchange.forward()

    proxy.handle = handle
    answer = proxied_api.post(f"/{strategy}", json={"increments": [{"id": counter_id}]}).json()

    assert (1, 0) == (answer["failed"], answer["unknown"])
    check_refused(answer["results"][0])
    assert 404 == api.get(f"/counters/{counter_id}").status_code


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_elasticsearch_refuses_an_item(
    proxy: Proxy, proxied_api: Api, api: Api, counter_id: str, strategy: str
) -> None:
    """Within a bulk request Elasticsearch refuses items one by one; the others are applied."""
    ids = [f"{counter_id}-a", f"{counter_id}-b"]

    def handle(exchange: Exchange) -> None:
        exchange.forward()
        if exchange.is_write:
            # As Elasticsearch says it of the second; here it was applied before, which must not be looked at.
            answer = json.loads(exchange.body)
            [(action, item)] = answer["items"][1].items()
            refused = {"_index": item["_index"], "_id": item["_id"], "status": 429, "error": REJECTED}
            answer["items"][1] = {action: refused}
            exchange.answer(200, {**answer, "errors": True})

    proxy.handle = handle
    answer = proxied_api.post(f"/{strategy}", json={"increments": [{"id": id_} for id_ in ids]}).json()

    assert (1, 0) == (answer["failed"], answer["unknown"])
    assert 1 == answer["results"][0]["value"]
    check_refused(answer["results"][1])


@pytest.mark.parametrize("strategy", READING)
def test_elasticsearch_refuses_to_read_a_list(
    proxy: Proxy, proxied_api: Api, counter_id: str, strategy: str
) -> None:
    """What could not be read for a list is not written."""
    writes = []

    def handle(exchange: Exchange) -> None:
        if exchange.is_read:
            exchange.answer(429, {"error": REJECTED, "status": 429})
        elif not exchange.path.endswith("/_delete_by_query"):  # a worker's sweep, which comes when it is due
            writes.append(exchange.path)

    proxy.handle = handle
    answer = proxied_api.post(f"/{strategy}", json={"increments": [{"id": counter_id}]}).json()

    check_refused(answer["results"][0])
    assert [] == writes


def check_refused(item: Mapping[str, object]) -> None:
    """Fail unless an item was refused, and certainly not applied."""
    problem = {name: value for name, value in item.items() if name != "id"}
    check(problem)
    assert ("/problems/unavailable", "not-applied") == (problem["type"], problem["outcome"])
