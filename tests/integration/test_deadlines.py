"""No request outlasts its time, whoever set it and whatever does not answer."""

import threading
from collections.abc import Callable, Iterator

import pytest

from service.strategies import STRATEGIES
from tests.api import Api
from tests.endpoints import ALL, Endpoint
from tests.problems import problem_in
from tests.proxy import Exchange, Proxy
from tests.strategies import READING

HEADER = "X-Request-Timeout"

SHORT = {HEADER: "0.5"}

LONGER = {HEADER: "3"}
"""Enough to come to a write, also where the machine has much else to do."""

AT_ONCE = 100
"""Counters that go into one write, where each may remember as many operations as by default."""

MALFORMED = [
    "",
    "0",
    "0.000",
    "-1",
    "+1",
    "1.",
    "01",
    "1,5",
    "1, 2",
    "0x1",
    "1e3",
    ".5",
    "1.",
    "01",
    "1_0",
    "0.0001",
    "nan",
    "inf",
    "10000",
    "9" * 5000,
]

Hold = Callable[[Callable[[Exchange], bool]], threading.Event]

endpoints = pytest.mark.parametrize("endpoint", ALL.values(), ids=ALL)


@pytest.fixture
def hold(proxy: Proxy) -> Iterator[Hold]:
    """Hold back what the test tells of, until it sets the event that it gets for it, or is over."""
    all_released = []

    def held(which: Callable[[Exchange], bool]) -> threading.Event:
        released = threading.Event()
        all_released.append(released)

        def handle(exchange: Exchange) -> None:
            if which(exchange):
                assert released.wait(60)
            exchange.forward()

        proxy.handle = handle
        return released

    yield held
    for released in all_released:
        released.set()


@endpoints
@pytest.mark.parametrize("patience", MALFORMED)
def test_refuses_what_is_no_time(api: Api, kept_counter: str, endpoint: Endpoint, patience: str) -> None:
    """A time that is malformed, nothing, or without end is a 422 that names the header; nothing is changed."""
    answer = api.request(
        endpoint.method,
        endpoint.path_for(kept_counter),
        data=endpoint.body_with("1", kept_counter),
        headers={"Content-Type": "application/json", HEADER: patience},
    )

    assert [HEADER] == list(problem_in(answer, 422, "invalid-request")["errors"])


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/counters", "/counters/a", "/openapi.yaml"])
def test_every_operation_takes_it(api: Api, path: str) -> None:
    """Reads and probes take the header as well."""
    assert 422 == api.get(path, headers={HEADER: "soon"}).status_code
    assert api.get(path, headers={HEADER: "9999.999"}).status_code in {200, 404}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_write_that_takes_too_long_is_unknown(
    hold: Hold, proxied_api: Api, api: Api, counter_id: str, strategy: str
) -> None:
    """Its caller is told as soon as it waits no more, and that the write may yet be applied; here it is."""
    released = hold(lambda exchange: exchange.is_write)

    answer = proxied_api.post(f"/{strategy}/{counter_id}", headers=LONGER)
    not_yet = api.get(f"/counters/{counter_id}").status_code
    released.set()

    assert "unknown" == problem_in(answer, 503, "unavailable")["outcome"]
    assert "Retry-After" not in answer.headers
    assert 404 == not_yet


@pytest.mark.parametrize("strategy", READING)
def test_a_read_that_takes_too_long_has_changed_nothing(
    hold: Hold, proxied_api: Api, api: Api, counter_id: str, strategy: str
) -> None:
    """What was not written by the end of its time is not written after it."""
    released = hold(lambda exchange: exchange.is_read)

    answer = proxied_api.post(f"/{strategy}/{counter_id}", headers=SHORT)
    released.set()

    assert "not-applied" == problem_in(answer, 503, "unavailable")["outcome"]
    assert "Retry-After" in answer.headers
    assert 404 == api.get(f"/counters/{counter_id}").status_code


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_list_that_takes_too_long_says_so_item_by_item(
    hold: Hold, proxied_api: Api, counter_id: str, strategy: str
) -> None:
    """What was under way is unknown, and what had to wait for it was never begun."""
    hold(lambda exchange: exchange.is_write)
    items = [{"id": f"{counter_id}-{number}"} for number in range(AT_ONCE + 1)]

    answer = proxied_api.post(f"/{strategy}", json={"increments": items}, headers=SHORT).json()

    assert ["unknown"] * AT_ONCE + ["not-applied"] == [item["outcome"] for item in answer["results"]]


def test_the_service_has_a_limit_of_its_own(hold: Hold, proxied_api: Api) -> None:
    """A caller who would wait for ever is answered, and readiness fails while liveness does not."""
    hold(lambda _: True)

    ready = proxied_api.get("/readyz", headers={HEADER: "9999"})
    alive = proxied_api.get("/healthz")

    assert "not-applied" == problem_in(ready, 503, "unavailable")["outcome"]
    assert 200 == alive.status_code
