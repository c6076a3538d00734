"""Two clients in a fixed order: both read, then both write. No luck is involved, and no sleep."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api import Api
from tests.conflicts import FOR_EVER, stale
from tests.problems import problem_in
from tests.proxy import Exchange, Proxy
from tests.starting import Start
from tests.strategies import BLIND


class Meeting:
    """Holds back the first reads until as many clients have read; those that read later pass."""

    def __init__(self, clients: int) -> None:
        self.barrier = threading.Barrier(clients, timeout=30)
        self.places = threading.Semaphore(clients)

    def __call__(self, exchange: Exchange) -> None:
        """Forward; after one of the first reads, wait for the others before the answer goes back."""
        exchange.forward()
        if exchange.is_read and self.places.acquire(blocking=False):
            self.barrier.wait()


@pytest.fixture
def clients(proxied_api: Api, start: Start) -> Iterator[list[Api]]:
    """Two clients, each of a service of its own: within one, those who share a counter may take turns."""
    with Api(start({}).url) as other:
        yield [proxied_api, other]


@pytest.fixture
def meeting(proxy: Proxy, clients: list[Api]) -> None:
    """Whoever reads first gets the value only once a second client has read it too.

    The clients come first, for their services read as they get ready.
    """
    proxy.handle = Meeting(2)


def increment_by_each(clients: list[Api], path: str) -> list[dict[str, int]]:
    """Increment once from each client at the same time, and return their answers."""
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(lambda client: client.post(path), clients))
    assert {200} == {answer.status_code for answer in answers}
    return [answer.json() for answer in answers]


@pytest.mark.usefixtures("meeting")
def test_naive_loses_an_update(api: Api, clients: list[Api], counter_id: str) -> None:
    """Both clients are told that they counted, and one of them was not."""
    api.put(f"/counters/{counter_id}", json={"value": 0})

    answers = increment_by_each(clients, f"/naive/{counter_id}")

    assert [1, 1] == [answer["value"] for answer in answers]
    assert 1 == api.value_of(counter_id)


@pytest.mark.usefixtures("meeting")
@pytest.mark.parametrize("exists", [True, False])
def test_occ_starts_over_from_a_fresh_read(
    api: Api, clients: list[Api], counter_id: str, *, exists: bool
) -> None:
    """The client whose write is stale reads again and counts on top of the other's, also when both create."""
    if exists:
        api.put(f"/counters/{counter_id}", json={"value": 0})

    answers = increment_by_each(clients, f"/occ/{counter_id}")

    assert [1, 2] == sorted(answer["value"] for answer in answers)
    assert [(1, 0), (2, 1)] == sorted((answer["attempts"], answer["conflicts"]) for answer in answers)
    assert 2 == api.value_of(counter_id)


@pytest.mark.usefixtures("meeting")
@pytest.mark.parametrize(("strategy", "stored"), [("naive", 1), ("occ", 2)])
def test_lists_race_like_single_increments(
    api: Api, clients: list[Api], counter_id: str, strategy: str, stored: int
) -> None:
    """Two lists that read a counter at the same time lose an update where single increments do, and only there."""
    body = {"increments": [{"id": counter_id}]}
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(lambda client: client.post(f"/{strategy}", json=body).json(), clients))

    assert [0, 0] == [answer["failed"] + answer["unknown"] for answer in answers]
    assert stored == api.value_of(counter_id)


@pytest.mark.parametrize("strategy", BLIND)
@pytest.mark.parametrize("path", ["/{strategy}/{id}", "/{strategy}"])
def test_a_script_is_tried_again_when_elasticsearch_gives_up(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str, path: str
) -> None:
    """A conflict that outlasts Elasticsearch's own retries is tried again, and counts once."""
    proxy.handle = stale(2)
    body = None if "{id}" in path else {"increments": [{"id": counter_id}]}
    answer = proxied_api.post(path.format(strategy=strategy, id=counter_id), json=body).json()
    [done] = answer.get("results", [answer])

    assert (1, 3, 2) == (done["value"], done["attempts"], done["conflicts"])
    assert 1 == api.value_of(counter_id)


def test_conflicts_without_end_are_a_409_and_change_nothing(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str
) -> None:
    """Once the tries are used up the caller is told so, and when to come back; nothing was counted."""
    api.put(f"/counters/{counter_id}", json={"value": 7})
    proxy.handle = stale(FOR_EVER)
    answer = proxied_api.post(f"/{strategy}/{counter_id}")

    assert "not-applied" == problem_in(answer, 409, "conflicts-not-resolved")["outcome"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert 7 == api.value_of(counter_id)
