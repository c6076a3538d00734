"""docker/haproxy.cfg in a real HAProxy: what it repeats, whom it asks, and what it says itself."""

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import requests

from localnode.balancing import balancing
from localnode.serving import Service
from tests.api import Api
from tests.cluster.stub import Heard, Stub, stub
from tests.keys import uuid7

pytestmark = pytest.mark.xdist_group("cluster-balancer")

SECONDS: Final = 60.0
KEY: Final = {"Idempotency-Key": uuid7()}
Replicas = tuple[Stub, Stub]


@pytest.fixture
def replicas() -> Iterator[Replicas]:
    """Two stubs."""
    with stub() as one, stub() as other:
        yield one, other


@pytest.fixture
def balancer(replicas: Replicas, tmp_path: Path) -> Iterator[Service]:
    """The balancer before them."""
    with balancing([replica.address for replica in replicas], log=tmp_path / "log") as balancer:
        yield balancer


@pytest.fixture
def api(balancer: Service) -> Iterator[Api]:
    """A caller of the balancer."""
    with Api(balancer.url) as api:
        yield api


def once() -> Callable[[Heard], bool]:
    """Return what is true of the first request alone, whichever replica hears it."""
    number = itertools.count()
    return lambda _: next(number) == 0


def heard(replicas: Replicas) -> list[Heard]:
    """Return what all of them have heard."""
    return [request for replica in replicas for request in replica.heard]


def hang_up(replicas: Replicas, when: Callable[[Heard], bool]) -> None:
    """Have replicas hang up instead of answering."""
    for replica in replicas:
        replica.hangs_up = when


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/scripted/a", {}),
        ("POST", "/scripted", {}),
        ("PUT", "/counters/a", KEY),
        ("DELETE", "/counters/a", KEY),
    ],
)
def test_does_not_repeat_what_could_count_twice(
    replicas: Replicas, api: Api, method: str, path: str, headers: dict[str, str]
) -> None:
    """If a replica hangs up, an increment without a key is not sent again, and its outcome is said to be unknown."""
    hang_up(replicas, once())
    answer = api.request(method, path, json={"by": 1}, headers=headers)

    assert 1 == len(heard(replicas))
    assert (502, "unknown") == (answer.status_code, problem(answer)["outcome"])
    assert "Retry-After" not in answer.headers


def test_does_not_repeat_it_on_a_kept_connection_either(replicas: Replicas, api: Api) -> None:
    """If a replica hangs up on a connection that has served before, so does the balancer, as HTTP has it."""
    api.post("/scripted/a")
    hang_up(replicas, once())
    with pytest.raises(requests.ConnectionError):
        api.post("/scripted/a")

    assert 2 == len(heard(replicas))


@pytest.mark.parametrize(
    ("method", "path", "headers"), [("POST", "/scripted/a", KEY), ("GET", "/counters/a", {})]
)
def test_repeats_what_counts_once(
    replicas: Replicas, api: Api, method: str, path: str, headers: dict[str, str]
) -> None:
    """If a replica hangs up, the other is asked what may be repeated, in the same words."""
    hang_up(replicas, once())
    answer = api.request(method, path, json={"by": 1}, headers=headers)

    assert 200 == answer.status_code
    assert [1, 1] == [len(replica.heard) for replica in replicas]
    first, again = heard(replicas)
    assert (first.body, first.headers) == (again.body, again.headers)


@pytest.mark.parametrize(
    ("method", "path", "headers", "outcome"),
    [("POST", "/scripted/a", KEY, "unknown"), ("GET", "/counters/a", {}, "not-applied")],
)
def test_gives_up_on_what_it_has_repeated(
    replicas: Replicas, api: Api, method: str, path: str, headers: dict[str, str], outcome: str
) -> None:
    """If every replica hangs up, the caller is told so, and that it may repeat the request itself."""
    hang_up(replicas, lambda _: True)
    answer = api.request(method, path, headers=headers)

    assert 3 == len(heard(replicas))
    assert (502, outcome) == (answer.status_code, problem(answer)["outcome"])
    assert "1" == answer.headers["Retry-After"]


def test_passes_a_replica_that_refuses_connections(replicas: Replicas, api: Api) -> None:
    """What no replica has heard of is sent to the other, key or not: every request arrives, once."""
    replicas[0].stop()
    answers = [api.post(f"/scripted/{number}") for number in range(20)]

    assert {200} == {answer.status_code for answer in answers}
    assert 20 == len(replicas[1].heard)


@pytest.mark.parametrize(("headers", "outcome"), [({}, "not-applied"), (KEY, "unknown")])
def test_says_that_nobody_is_there(
    replicas: Replicas, api: Api, headers: dict[str, str], outcome: str
) -> None:
    """Without a replica, an increment was not applied; one with a key may have been sent before."""
    for replica in replicas:
        replica.stop()
    answer = api.post("/scripted/a", headers={**headers, "X-Request-Id": "mine"})

    assert (503, outcome) == (answer.status_code, problem(answer)["outcome"])
    assert ("1", "mine") == (answer.headers["Retry-After"], answer.headers["X-Request-Id"])


@pytest.mark.parametrize("given", ["mine", "a" * 129, "not mine", "a,b"])
def test_forwards_a_request_id(replicas: Replicas, api: Api, given: str) -> None:
    """The replica and the caller are told the same id, the caller's if it has one that the service takes."""
    answer = api.post("/scripted/a", headers={"X-Request-Id": given})
    (request,) = heard(replicas)

    assert request.headers["x-request-id"] == answer.headers["X-Request-Id"]
    assert (given == "mine") == (answer.headers["X-Request-Id"] == given)


def test_counters_have_one_replica_each(replicas: Replicas, api: Api) -> None:
    """Whatever is asked of a counter, one replica is asked; lists are spread over all."""
    names = [f"counter-{number}" for number in range(40)]
    for name, path in itertools.product(names, ("naive", "occ", "scripted", "counters")):
        api.get(f"/{path}/{name}")
    of_each = [{request.path.split("/")[2] for request in replica.heard} for replica in replicas]
    for replica in replicas:
        replica.heard.clear()
    for _ in names:
        api.post("/scripted", json={"increments": []})

    assert set(names) == of_each[0] | of_each[1]
    assert of_each[0]
    assert of_each[1]
    assert not of_each[0] & of_each[1]
    assert all(replica.heard for replica in replicas)


def test_balances_as_it_is_told(replicas: Replicas, tmp_path: Path) -> None:
    """Another way to choose a replica can be set from outside."""
    addresses = [replica.address for replica in replicas]
    with (
        balancing(addresses, log=tmp_path / "log", balance="roundrobin") as balancer,
        Api(balancer.url) as api,
    ):
        for _ in range(4):
            api.post("/scripted/a")

    assert [2, 2] == [len(replica.heard) for replica in replicas]


def test_replicas_hear_of_whole_requests_alone(replicas: Replicas, balancer: Service, api: Api) -> None:
    """While a caller has sent half a request, no replica hears of it."""
    address = urlsplit(balancer.url)
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as slow:
        slow.sendall(b"POST /scripted/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n{")
        api.post("/scripted/quick")
        before = [request.path for request in heard(replicas)]
        slow.sendall(b'"by":7}')
        answer = slow.recv(65536)

    assert ["/scripted/quick"] == before
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'{"by":7}' in [request.body for request in heard(replicas)]


def test_looks_away_from_a_replica_that_is_not_ready(replicas: Replicas, api: Api) -> None:
    """A replica whose readiness fails is sent nothing more, until it is ready again."""
    api.post("/scripted/a")
    own = next(replica for replica in replicas if replica.heard)

    def asked() -> bool:
        before = len(own.heard)
        api.post("/scripted/a")
        return len(own.heard) > before

    own.is_ready = False
    wait_until(lambda: not asked())
    seen = [asked() for _ in range(20)]
    own.is_ready = True
    wait_until(asked)

    assert not any(seen)


def problem(answer: Any) -> Any:
    """Return an answer's problem, which has to be one of the service's."""
    assert "application/problem+json" == answer.headers["Content-Type"]
    document = answer.json()
    assert ("/problems/unavailable", answer.status_code) == (document["type"], document["status"])
    return document


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
