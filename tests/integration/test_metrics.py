"""/metrics: what is counted, by what, and that several workers and the death of one change nothing about it."""

import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
import requests
from elasticsearch import Elasticsearch

from localnode.processes import wait_until
from localnode.serving import PROJECT, Service, serving
from service.metrics import REASONS
from service.settings import Settings
from service.strategies import STRATEGIES
from tests.api import Api
from tests.callers import bearer
from tests.conflicts import stale
from tests.keys import uuid7
from tests.proxy import Exchange, Proxy
from tests.scraping import Scrape, scrape
from tests.starting import Start
from tests.wire import Wire

SECONDS: Final = 60.0
"""How long a test waits for what must happen."""

A_CALL: Final = 100
"""Increments of a list that go to Elasticsearch together, if a counter remembers as many operations as by default."""

SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - gunicorn.conf.py's

REQUESTS: Final = "http_request_duration_seconds_count"


def pids(service: Service) -> list[int]:
    """Return the workers that gunicorn has said it started."""
    return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", service.log.read_text())]


def lives(pid: int) -> bool:
    """Say whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def folders(service: Service) -> list[Path]:
    """Return where the workers of a service write their metrics."""
    return [*SHARED_MEMORY.glob(f"es-counters-{service.process.pid}-*")]


@pytest.fixture
def two_workers(client: Elasticsearch, settings: Settings, tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own, of two workers."""
    environment = {"COUNTERS_ALIAS": settings.counters_alias, "WORKERS": "2", "LOG_FORMAT": "json"}
    with serving(environment, log=tmp_path / "log") as service:
        yield service


def increment(service: Service, counter_id: str, times: int) -> None:
    """Increment a counter, each time on a connection of its own, so that each worker has some of it to do."""
    for _ in range(times):
        with Api(service.url) as api:
            assert 200 == api.post(f"/scripted/{counter_id}").status_code


def look(service: Service) -> Scrape:
    """Ask any of the workers for the metrics."""
    with Api(service.url) as api:
        return scrape(api)


def increments(seen: Scrape) -> float:
    """Return how many increments were counted."""
    return seen.total(REQUESTS, route="/scripted/{counter_id}", status="200")


def test_every_worker_tells_of_all(two_workers: Service, counter_id: str) -> None:
    """Whichever of them is asked, it has counted what all of them have done."""
    increment(two_workers, counter_id, 20)

    assert [20.0] * 10 == [increments(look(two_workers)) for _ in range(10)]


def test_a_killed_worker_takes_nothing_back(two_workers: Service, counter_id: str) -> None:
    """Counters never go back: what a worker has done still counts when it is gone and another is in its place."""
    increment(two_workers, counter_id, 20)

    for pid in pids(two_workers):
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: len(pids(two_workers)) == 4, timeout=SECONDS)
    increment(two_workers, counter_id, 5)

    seen = look(two_workers)
    assert 25.0 == increments(seen)
    assert 25.0 == seen.total("increment_attempts_count", strategy="scripted")


def test_settings_that_are_read_again_take_nothing_back(two_workers: Service, counter_id: str) -> None:
    """New workers after a SIGHUP go on counting where the former ones were."""
    increment(two_workers, counter_id, 5)

    former = pids(two_workers)
    two_workers.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: not any(map(lives, former)), timeout=SECONDS)
    increment(two_workers, counter_id, 5)

    assert 10.0 == increments(look(two_workers))


def test_nothing_is_left_in_memory(two_workers: Service) -> None:
    """What the workers write is removed at the end."""
    [folder] = folders(two_workers)
    assert [*folder.iterdir()]

    two_workers.stop()

    assert [] == folders(two_workers)


def test_a_start_that_fails_leaves_nothing_in_memory() -> None:
    """Settings that are refused end the master, and it takes along what it had prepared."""
    variables = {**os.environ, "WORKERS": "none"}
    with subprocess.Popen(
        [sys.executable, "-m", "gunicorn"], cwd=PROJECT, env=variables, stderr=subprocess.PIPE
    ) as master:
        _, said = master.communicate(timeout=SECONDS)

    assert master.returncode
    assert b"The settings are refused" in said
    assert [] == [*SHARED_MEMORY.glob(f"es-counters-{master.pid}-*")]


def test_who_is_dead_serves_nobody(start: Start, proxy: Proxy, counter_id: str) -> None:
    """Requests in flight are seen while they wait for Elasticsearch, and are gone with the worker that had them."""
    released = threading.Event()

    def handle(exchange: Exchange) -> None:
        if exchange.is_write:
            assert released.wait(SECONDS)
        exchange.forward()

    def ask() -> None:
        with Api(service.url) as api, pytest.raises(requests.ConnectionError):
            api.post(f"/scripted/{counter_id}")

    def in_flight() -> float:
        return look(service).total("http_requests_in_flight")

    proxy.handle = handle
    times = {"ELASTICSEARCH_TIMEOUT": "60", "REQUEST_TIMEOUT": "60", "GRACEFUL_TIMEOUT": "90"}
    service = start({"WORKERS": "1", **times})
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask) for _ in range(3)]
        assert wait_until(lambda: in_flight() >= 3.0, timeout=SECONDS)

        os.kill(pids(service)[-1], signal.SIGKILL)
        for each in asked:
            each.result(SECONDS)
        released.set()

    assert wait_until(lambda: in_flight() == 0.0, timeout=SECONDS)


def of_strategy(seen: Scrape, strategy: str) -> dict[str, float]:
    """Return what is counted of the increments of a strategy."""
    metrics = {
        "increments": "increment_attempts_count",
        "attempts": "increment_attempts_sum",
        "retries": "retries_total",
        "conflicts": "conflicts_total",
        "replays": "replays_total",
    }
    counted = {name: seen.total(metric, strategy=strategy) for name, metric in metrics.items()}
    for reason in REASONS:
        counted[f"failed: {reason}"] = seen.total("increments_failed_total", strategy=strategy, reason=reason)
    return counted


class Watch:
    """What is counted of a strategy from now on."""

    def __init__(self, api: Api, strategy: str) -> None:
        self._api = api
        self._strategy = strategy
        self._before = of_strategy(scrape(api), strategy)

    def seen(self) -> dict[str, float]:
        """Return by how much each count has grown, if it has."""
        now = of_strategy(scrape(self._api), self._strategy)
        return {name: now[name] - before for name, before in self._before.items() if now[name] > before}


EXACT: Final = [name for name in STRATEGIES if name != "naive"]


@pytest.mark.parametrize("strategy", EXACT)
def test_conflicts_and_retries_are_counted(
    proxied_api: Api, proxy: Proxy, counter_id: str, strategy: str
) -> None:
    """An increment that met two other writers took three attempts."""
    watch = Watch(proxied_api, strategy)
    proxy.handle = stale(2)

    assert 200 == proxied_api.post(f"/{strategy}/{counter_id}").status_code

    assert {"increments": 1.0, "attempts": 3.0, "retries": 2.0, "conflicts": 2.0} == watch.seen()


@pytest.mark.parametrize("strategy", EXACT)
def test_who_gives_up_is_counted(proxied_api: Api, proxy: Proxy, counter_id: str, strategy: str) -> None:
    """An increment whose attempts are used up is a failure of its own kind."""
    watch = Watch(proxied_api, strategy)
    proxy.handle = stale(1_000)

    assert 409 == proxied_api.post(f"/{strategy}/{counter_id}").status_code

    assert {"failed: conflicts": 1.0, "retries": 9.0, "conflicts": 10.0} == watch.seen()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_unknown_outcomes_are_counted(proxied_api: Api, proxy: Proxy, counter_id: str, strategy: str) -> None:
    """An increment that may have been applied is told from one that was not."""

    def lose(exchange: Exchange) -> None:
        exchange.forward()
        if exchange.is_write:
            exchange.lose()

    watch = Watch(proxied_api, strategy)
    proxy.handle = lose

    assert 503 == proxied_api.post(f"/{strategy}/{counter_id}").status_code

    assert {"failed: unknown": 1.0} == watch.seen()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_was_not_applied_is_counted(
    proxied_api: Api, proxy: Proxy, counter_id: str, strategy: str
) -> None:
    """So is what Elasticsearch refused, and what the service refuses of itself."""
    watch = Watch(proxied_api, strategy)
    assert 201 == proxied_api.put(f"/counters/{counter_id}", json={"value": 2**63 - 1}).status_code

    assert 409 == proxied_api.post(f"/{strategy}/{counter_id}").status_code
    proxy.handle = lambda exchange: exchange.answer(
        429, {"error": {"type": "es_rejected_execution_exception"}}
    )
    assert 503 == proxied_api.post(f"/{strategy}/{counter_id}").status_code

    assert {"failed: refused": 1.0, "failed: unavailable": 1.0} == watch.seen()


@pytest.mark.parametrize("strategy", EXACT)
def test_replays_are_counted(api: Api, counter_id: str, strategy: str) -> None:
    """A repetition that was recognised is an increment acknowledged, and a replay."""
    watch = Watch(api, strategy)
    headers = {"Idempotency-Key": uuid7()}

    for _ in range(3):
        assert 200 == api.post(f"/{strategy}/{counter_id}", headers=headers).status_code

    assert {"increments": 3.0, "attempts": 3.0, "replays": 2.0} == watch.seen()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_item_of_a_list_is_an_increment(api: Api, counter_id: str, strategy: str) -> None:
    """Lists are no way around the metrics."""
    watch = Watch(api, strategy)
    items = [{"id": f"{counter_id}-{number}"} for number in range(3)]

    assert 200 == api.post(f"/{strategy}", json={"increments": items}).status_code

    assert {"increments": 3.0, "attempts": 3.0} == watch.seen()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_refused_item_by_item_is_counted(
    api: Api, client: Elasticsearch, settings: Settings, counter_id: str, strategy: str
) -> None:
    """A write block fails each item of a list, and neither the call to Elasticsearch nor the answer shows it."""

    def refused() -> float:
        return scrape(api).total("elasticsearch_items_refused_total", status="403")

    watch, before = Watch(api, strategy), refused()
    items = [{"id": f"{counter_id}-{number}"} for number in range(3)]
    client.indices.put_settings(index=settings.counters_alias, settings={"index.blocks.write": True})
    try:
        answer = api.post(f"/{strategy}", json={"increments": items})
    finally:
        client.indices.put_settings(index=settings.counters_alias, settings={"index.blocks.write": None})

    assert (200, 3) == (answer.status_code, answer.json()["failed"])
    assert {"failed: unavailable": 3.0} == watch.seen()
    assert 3.0 == refused() - before


def test_items_that_are_stale_are_not_refused(proxied_api: Api, proxy: Proxy, counter_id: str) -> None:
    """They are conflicts, which are counted as such."""
    before = scrape(proxied_api).total("elasticsearch_items_refused_total")
    proxy.handle = stale(2)

    assert 200 == proxied_api.post(f"/batched/{counter_id}").status_code

    assert before == scrape(proxied_api).total("elasticsearch_items_refused_total")


def test_batches_are_counted(api: Api, counter_id: str) -> None:
    """Of each write it is known how many increments went along, and how long the first one had waited."""
    before = scrape(api)

    items = [{"id": counter_id}] * 7
    assert 200 == api.post("/batched", json={"increments": items}).status_code

    after = scrape(api)
    names = ("batch_increments_count", "batch_increments_sum", "batch_wait_seconds_count")
    assert [1.0, 7.0, 1.0] == [after.total(name) - before.total(name) for name in names]


def test_calls_to_elasticsearch_are_counted(proxied_api: Api, proxy: Proxy, counter_id: str) -> None:
    """By what was asked of it and how it answered, or that it did not."""

    def lose_writes(exchange: Exchange) -> None:
        exchange.forward()
        if exchange.is_write:
            exchange.lose()

    def calls(operation: str, status: str) -> float:
        name = "elasticsearch_call_duration_seconds_count"
        return scrape(proxied_api).total(name, operation=operation, status=status)

    before = [calls("get", "404"), calls("index", "201"), calls("index", "none")]
    proxied_api.post(f"/occ/{counter_id}")
    proxy.handle = lose_writes
    proxied_api.post(f"/occ/{counter_id}-2")

    assert [2.0, 1.0, 1.0] == [
        now - then
        for now, then in zip(
            [calls("get", "404"), calls("index", "201"), calls("index", "none")], before, strict=True
        )
    ]


def test_who_has_no_time_is_no_failure_of_elasticsearchs(
    proxied_api: Api, proxy: Proxy, counter_id: str
) -> None:
    """A call that was cut short by its caller's time is late, and one that was never begun is none."""
    released = threading.Event()

    def bulks(seen: Scrape, **labels: str) -> float:
        return seen.total("elasticsearch_call_duration_seconds_count", operation="bulk", **labels)

    def handle(exchange: Exchange) -> None:
        assert released.wait(SECONDS)
        exchange.forward()

    watch, before = Watch(proxied_api, "scripted"), scrape(proxied_api)
    proxy.handle = handle
    # One more than go out in a call: the time is up in the first one, and there is none for the second.
    items = [{"id": f"{counter_id}-{number}"} for number in range(A_CALL + 1)]
    said = proxied_api.post("/scripted", json={"increments": items}, headers={"X-Request-Timeout": "0.5"})
    released.set()

    after = scrape(proxied_api)
    assert (A_CALL, 1) == (said.json()["unknown"], said.json()["failed"])
    assert {"failed: late": 1.0, "failed: unknown": A_CALL} == watch.seen()
    assert 1.0 == bulks(after) - bulks(before)
    assert 1.0 == bulks(after, status="late") - bulks(before, status="late")


def test_no_caller_makes_a_label(api: Api, service_url: str, counter_id: str) -> None:
    """Whatever is asked for, each path that there is has one value, and all others have one together."""
    for path in (f"/{counter_id}", f"/occ/{counter_id}/x", f"/occ/!{counter_id}", f"/docs/{counter_id}"):
        api.get(path)
        api.post(path)
    with Wire(service_url) as wire:
        wire.ask(f"/occ/{counter_id}", method=f"M{uuid.uuid4().hex[:8].upper()}")
        wire.ask(f"/occ/{counter_id}", method="PATCH")

    seen = scrape(api)

    assert {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "none"} >= seen.values_of("method")
    assert {"", *STRATEGIES} >= seen.values_of("strategy")
    increments = {path for name in STRATEGIES for path in (f"/{name}", f"/{name}/{{counter_id}}")}
    others = {"/counters", "/counters/{counter_id}", "/healthz", "/readyz", "/metrics", "none"}
    pages = {"/", "/web/{name}", "/openapi.yaml", "/docs", "/docs/", "/docs/{path}"}
    assert increments | others | pages >= seen.values_of("route")
    assert 0 < seen.total(REQUESTS, route="none", status="405")


def test_refusals_are_seen_at_once(two_workers: Service) -> None:
    """What seldom happens stands at 0 from the start: a first time is a step that Prometheus can see."""
    seen = look(two_workers)

    assert {"busy", "late", "overdue", *REASONS} == seen.values_of("reason")
    assert 0.0 == seen.total("elasticsearch_items_refused_total", status="403")
    assert 0.0 == seen.total("increment_attempts_count")
    assert set(STRATEGIES) <= seen.values_of("strategy")
    assert "es_counters_internal_errors_total" in seen.names


@pytest.mark.parametrize(("caller", "status"), [("reader", 200), ("admin", 200), ("writer", 403)])
def test_takes_a_token_that_may_read(closed: Service, caller: str, status: int) -> None:
    """Where callers have tokens, so has Prometheus: one with the scope to read."""
    with Api(closed.url) as api:
        assert status == api.get("/metrics", headers={"Authorization": bearer(caller)}).status_code
