"""Requests with an idempotency key: however often they are repeated, and whatever fails, they count once."""

import time
from collections.abc import Callable

import pytest
import requests

from service.counters import MAX_VALUE
from tests.api import Api
from tests.conflicts import FOR_EVER, stale
from tests.keys import uuid7
from tests.problems import problem_in
from tests.proxy import Exchange, Proxy
from tests.strategies import EXACT

REPLAYED = "Idempotency-Replayed"


def keyed(key: str) -> dict[str, str]:
    """Return the header for a key."""
    return {"Idempotency-Key": f'"{key}"'}


def values_of(answer: requests.Response) -> list[object]:
    """Return what the items of a list came to."""
    return [result.get("value", result.get("type")) for result in answer.json()["results"]]


def test_a_repetition_has_the_first_answer(api: Api, counter_id: str, strategy: str) -> None:
    """From whichever worker, and whatever was counted since: same id, value, by and strategy."""
    key = uuid7()
    first = api.post(f"/{strategy}/{counter_id}", json={"by": 5}, headers=keyed(key))
    api.post(f"/{strategy}/{counter_id}", json={"by": 10})
    again = []
    for _ in range(20):
        with Api(api.base) as other:  # on a connection of its own, so that both workers have their turn
            again.append(other.post(f"/{strategy}/{counter_id}", json={"by": 5}, headers=keyed(key)))

    promised = {"id": counter_id, "value": 5, "by": 5, "strategy": strategy}
    assert (200, None) == (first.status_code, first.headers.get(REPLAYED))
    assert [promised] * 21 == [{name: answer.json()[name] for name in promised} for answer in (first, *again)]
    assert [(200, "true")] * 20 == [(answer.status_code, answer.headers[REPLAYED]) for answer in again]
    assert 15 == api.value_of(counter_id)


def test_a_repetition_tells_no_version(api: Api, counter_id: str, strategy: str) -> None:
    """Its value is an old one: who set the counter under the version of now would erase what others have added."""
    key = uuid7()
    first = api.post(f"/{strategy}/{counter_id}", headers=keyed(key))
    api.post(f"/{strategy}/{counter_id}", json={"by": 100})

    again = api.post(f"/{strategy}/{counter_id}", headers=keyed(key))

    assert (1, True) == (again.json()["value"], "ETag" in first.headers)
    assert "ETag" not in again.headers


def test_a_key_may_be_quoted_or_bare_and_in_capitals(api: Api, counter_id: str, strategy: str) -> None:
    """However it is written, it is the same key."""
    key = uuid7()
    answers = [
        api.post(f"/{strategy}/{counter_id}", headers={"Idempotency-Key": written})
        for written in (f'"{key}"', key, key.upper())
    ]

    assert [1, 1, 1] == [answer.json()["value"] for answer in answers]


def test_the_window_is_told(api: Api, counter_id: str, strategy: str) -> None:
    """Who sends a key learns how long it is remembered, and nobody else does."""
    keyed_answer = api.post(f"/{strategy}/{counter_id}", headers=keyed(uuid7()))
    plain_answer = api.post(f"/{strategy}/{counter_id}")

    assert "operations=1000, seconds=86400" == keyed_answer.headers["Idempotency-Window"]
    assert "Idempotency-Window" not in plain_answer.headers


def test_a_key_stands_for_one_request(api: Api, counter_id: str, strategy: str) -> None:
    """With another amount or by another strategy it is refused; on another counter it is another one."""
    key = uuid7()
    other = next(name for name in EXACT if name != strategy)
    api.post(f"/{strategy}/{counter_id}", json={"by": 5}, headers=keyed(key))

    amount = api.post(f"/{strategy}/{counter_id}", json={"by": 6}, headers=keyed(key))
    way = api.post(f"/{other}/{counter_id}", json={"by": 5}, headers=keyed(key))
    elsewhere = api.post(f"/{strategy}/{counter_id}-other", json={"by": 6}, headers=keyed(key))

    assert problem_in(amount, 422, "idempotency-key-reused")
    assert problem_in(way, 422, "idempotency-key-reused")
    assert (200, 6) == (elsewhere.status_code, elsewhere.json()["value"])
    assert 5 == api.value_of(counter_id)


@pytest.mark.parametrize("path", ["/{strategy}/{id}", "/{strategy}"])
def test_a_key_older_than_the_window_is_refused(api: Api, counter_id: str, strategy: str, path: str) -> None:
    """Nobody would know it any more; the counter is not even created."""
    yesterday = uuid7(milliseconds=int(time.time() - 86_401) * 1000)
    body = None if "{id}" in path else {"increments": [{"id": counter_id}]}

    answer = api.post(path.format(strategy=strategy, id=counter_id), json=body, headers=keyed(yesterday))

    assert problem_in(answer, 409, "idempotency-key-expired")
    assert 404 == api.get(f"/counters/{counter_id}").status_code


def test_a_key_may_be_a_little_ahead(api: Api, counter_id: str, strategy: str) -> None:
    """Clocks differ: one that is 30 s fast is taken, one that is 90 s fast is not."""
    answers = [
        api.post(
            f"/{strategy}/{counter_id}",
            headers=keyed(uuid7(milliseconds=int((time.time() + ahead) * 1000))),
        )
        for ahead in (30, 90)
    ]

    assert [200, 422] == [answer.status_code for answer in answers]
    assert 1 == api.value_of(counter_id)


@pytest.mark.parametrize("path", ["/naive/{id}", "/naive"])
def test_naive_says_why_it_takes_no_key(api: Api, kept_counter: str, path: str) -> None:
    """It cannot keep the promise, so it does not make it."""
    body = None if "{id}" in path else {"increments": [{"id": kept_counter}]}

    answer = api.post(path.format(id=kept_counter), json=body, headers=keyed(uuid7()))

    [why] = problem_in(answer, 422, "invalid-request")["errors"]["Idempotency-Key"]
    assert "erases what others write" in why


def test_a_list_is_repeated_item_by_item(api: Api, counter_id: str, strategy: str) -> None:
    """One key covers it: what was done is answered again, what failed is tried again."""
    full = f"{counter_id}-full"
    api.put(f"/counters/{full}", json={"value": MAX_VALUE})
    items = [{"id": counter_id, "by": 2}, {"id": full}, {"id": counter_id, "by": 3}]
    key = uuid7()

    first = api.post(f"/{strategy}", json={"increments": items}, headers=keyed(key))
    api.put(f"/counters/{full}", json={"value": 0})
    second = api.post(f"/{strategy}", json={"increments": items}, headers=keyed(key))
    third = api.post(f"/{strategy}", json={"increments": items}, headers=keyed(key))

    assert [2, "/problems/counter-overflow", 5] == values_of(first)
    assert REPLAYED not in first.headers
    assert [2, 1, 5] == values_of(second) == values_of(third)
    assert "true" == second.headers[REPLAYED] == third.headers[REPLAYED]
    assert (5, 1) == (api.value_of(counter_id), api.value_of(full))


def test_a_list_in_another_order_is_not_a_repetition(api: Api, counter_id: str, strategy: str) -> None:
    """A caller that makes its list anew from a set does not count twice."""
    key = uuid7()
    items = [{"id": counter_id}, {"id": f"{counter_id}-b"}, {"id": counter_id, "by": 2}]
    api.post(f"/{strategy}", json={"increments": items}, headers=keyed(key))

    reordered = api.post(f"/{strategy}", json={"increments": items[::-1]}, headers=keyed(key))

    assert ["/problems/idempotency-key-reused"] * 3 == values_of(reordered)
    assert (3, 1) == (api.value_of(counter_id), api.value_of(f"{counter_id}-b"))


def test_a_list_is_not_a_repetition_of_a_single_increment_nor_the_reverse(
    api: Api, counter_id: str, strategy: str
) -> None:
    """Whichever comes first, the other is refused under the same key."""
    items = {"increments": [{"id": counter_id}]}
    single_first, list_first = uuid7(), uuid7()

    api.post(f"/{strategy}/{counter_id}", headers=keyed(single_first))
    listed = api.post(f"/{strategy}", json=items, headers=keyed(single_first))
    api.post(f"/{strategy}", json=items, headers=keyed(list_first))
    single = api.post(f"/{strategy}/{counter_id}", headers=keyed(list_first))

    assert ["/problems/idempotency-key-reused"] == values_of(listed)
    assert problem_in(single, 422, "idempotency-key-reused")
    assert 2 == api.value_of(counter_id)


def test_a_long_list_on_one_counter_is_remembered_in_its_order(
    api: Api, counter_id: str, strategy: str
) -> None:
    """More than ten items of one counter: the repetition gets each item's own value."""
    items = {"increments": [{"id": counter_id}] * 12}
    key = uuid7()

    answers = [api.post(f"/{strategy}", json=items, headers=keyed(key)) for _ in range(2)]

    assert [list(range(1, 13))] * 2 == [values_of(answer) for answer in answers]


def test_refusals_of_keys_tell_the_window(api: Api, counter_id: str, strategy: str) -> None:
    """Whoever is refused learns by how much to mend it."""
    key = uuid7()
    api.post(f"/{strategy}/{counter_id}", headers=keyed(key))

    reused = api.post(f"/{strategy}/{counter_id}", json={"by": 2}, headers=keyed(key))
    expired = api.post(f"/{strategy}/{counter_id}", headers=keyed(uuid7(milliseconds=1)))

    assert (422, 409) == (reused.status_code, expired.status_code)
    assert ["operations=1000, seconds=86400"] * 2 == [
        answer.headers["Idempotency-Window"] for answer in (reused, expired)
    ]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_setting_and_deleting_take_no_key(api: Api, kept_counter: str, method: str) -> None:
    """A repetition would erase what came between, so the key is refused, and the way out is told."""
    answer = api.request(method, f"/counters/{kept_counter}", json={"value": 1}, headers=keyed(uuid7()))

    [why] = problem_in(answer, 422, "invalid-request")["errors"]["Idempotency-Key"]
    assert "If-Match" in why


def test_a_changed_list_is_not_a_repetition(api: Api, counter_id: str, strategy: str) -> None:
    """An item that was done under the key is refused in another list, although it is itself the same."""
    key = uuid7()
    api.post(f"/{strategy}", json={"increments": [{"id": counter_id}]}, headers=keyed(key))

    changed = api.post(
        f"/{strategy}",
        json={"increments": [{"id": counter_id}, {"id": f"{counter_id}-b"}]},
        headers=keyed(key),
    )

    assert ["/problems/idempotency-key-reused", 1] == values_of(changed)
    assert 1 == api.value_of(counter_id)


def test_a_conditional_increment_is_repeated_although_its_condition_is_stale(
    api: Api, counter_id: str
) -> None:
    """The repetition is answered as the first was, not refused because the first has changed the version."""
    version = api.put(f"/counters/{counter_id}", json={"value": 7}).headers["ETag"]
    headers = {**keyed(uuid7()), "If-Match": version}

    answers = [api.post(f"/occ/{counter_id}", headers=headers) for _ in range(2)]

    assert [(200, 8), (200, 8)] == [(answer.status_code, answer.json()["value"]) for answer in answers]
    assert 412 == api.post(f"/occ/{counter_id}", headers={**headers, **keyed(uuid7())}).status_code


def test_a_late_repetition_does_not_bring_a_counter_back(
    api: Api, counter_id: str, strategy: str, refresh: Callable[[], object]
) -> None:
    """A deleted counter is gone to every reader, and still knows what was done to it."""
    key = uuid7()
    api.post(f"/{strategy}/{counter_id}", json={"by": 5}, headers=keyed(key))
    deleted = api.delete(f"/counters/{counter_id}")

    again = api.post(f"/{strategy}/{counter_id}", json={"by": 5}, headers=keyed(key))
    refresh()

    assert (204, 5, "true") == (deleted.status_code, again.json()["value"], again.headers[REPLAYED])
    assert [404, 404] == [
        api.get(f"/counters/{counter_id}").status_code,
        api.delete(f"/counters/{counter_id}").status_code,
    ]
    assert [] == api.get(f"/counters?prefix={counter_id}").json()["counters"]
    assert 201 == api.put(f"/counters/{counter_id}", json={"value": 9}).status_code
    assert 5 == api.post(f"/{strategy}/{counter_id}", json={"by": 5}, headers=keyed(key)).json()["value"]
    assert 9 == api.value_of(counter_id)


def test_a_deleted_counter_begins_anew(api: Api, counter_id: str, strategy: str) -> None:
    """A new increment counts from 0, with a key or without."""
    api.post(f"/{strategy}/{counter_id}", json={"by": 5}, headers=keyed(uuid7()))
    api.delete(f"/counters/{counter_id}")

    answers = [
        api.post(f"/{strategy}/{counter_id}", headers=keyed(uuid7())),
        api.post(f"/{strategy}/{counter_id}"),
        api.post(f"/naive/{counter_id}"),
    ]

    assert [1, 2, 3] == [answer.json()["value"] for answer in answers]


def lost(exchange: Exchange) -> None:
    """The write is done and the connection closed."""
    exchange.forward()
    exchange.lose()


def bad_gateway(exchange: Exchange) -> None:
    """The write is done and a gateway says that it was not."""
    exchange.forward()
    exchange.answer(502, {})


def overloaded(exchange: Exchange) -> None:
    """Elasticsearch refuses before it does anything."""
    exchange.answer(429, {"error": {"type": "es_rejected_execution_exception"}, "status": 429})


def on_the_first_write(fault: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """Let everything pass but the first write, which has the fault."""
    faults = iter([fault])

    def handle(exchange: Exchange) -> None:
        (next(faults, Exchange.forward) if exchange.is_write else Exchange.forward)(exchange)

    return handle


@pytest.mark.parametrize("fault", [lost, bad_gateway])
@pytest.mark.parametrize("path", ["/{strategy}/{id}", "/{strategy}"])
def test_the_service_repeats_what_has_a_key(
    proxy: Proxy,
    api: Api,
    proxied_api: Api,
    counter_id: str,
    strategy: str,
    fault: Callable[[Exchange], None],
    path: str,
) -> None:
    """A write of unknown outcome is sent again, recognised if it was done, and counts once."""
    proxy.handle = on_the_first_write(fault)
    body = None if "{id}" in path else {"increments": [{"id": counter_id}]}

    answer = proxied_api.post(
        path.format(strategy=strategy, id=counter_id), json=body, headers=keyed(uuid7())
    )
    [done] = answer.json().get("results", [answer.json()])

    assert (200, 1, 2) == (answer.status_code, done["value"], done["attempts"])
    assert 1 == api.value_of(counter_id)


def test_the_service_does_not_repeat_what_was_refused(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str
) -> None:
    """An overloaded Elasticsearch is called once; when to come back is told to the caller."""
    writes = []

    def refuse_writes(exchange: Exchange) -> None:
        (overloaded if exchange.is_write else Exchange.forward)(exchange)
        if exchange.is_write:
            writes.append(exchange)

    proxy.handle = refuse_writes
    answer = proxied_api.post(f"/{strategy}/{counter_id}", headers=keyed(uuid7()))

    assert "not-applied" == problem_in(answer, 503, "unavailable")["outcome"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert 1 == len(writes)
    assert 404 == api.get(f"/counters/{counter_id}").status_code


def test_an_overload_does_not_settle_what_is_unknown(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str
) -> None:
    """After a write of unknown outcome the service goes on through refusals that will pass."""
    faults = iter([lost, overloaded])

    def handle(exchange: Exchange) -> None:
        (next(faults, Exchange.forward) if exchange.is_write else Exchange.forward)(exchange)

    proxy.handle = handle
    answer = proxied_api.post(f"/{strategy}/{counter_id}", headers=keyed(uuid7()))

    assert (200, 1) == (answer.status_code, answer.json()["value"])
    assert 1 == api.value_of(counter_id)


def test_what_stays_unknown_is_told_so_and_may_be_repeated(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str
) -> None:
    """Once the tries are used up the caller gets a 503 with a Retry-After, and a repetition settles it."""
    key = uuid7()
    writes = []

    def lose_writes(exchange: Exchange) -> None:
        exchange.forward()
        if exchange.is_write:
            writes.append(exchange)
            exchange.lose()

    proxy.handle = lose_writes
    answer = proxied_api.post(f"/{strategy}/{counter_id}", headers=keyed(key))
    proxy.reset()
    again = proxied_api.post(f"/{strategy}/{counter_id}", headers=keyed(key))

    assert "unknown" == problem_in(answer, 503, "unavailable")["outcome"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert len(writes) > 1
    assert (200, 1, "true") == (again.status_code, again.json()["value"], again.headers[REPLAYED])
    assert 1 == api.value_of(counter_id)


@pytest.mark.parametrize("path", ["/{strategy}/{id}", "/{strategy}"])
def test_a_conflict_may_be_with_itself(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str, path: str
) -> None:
    """A write that was done, and whose second sending met it, is not told as changing nothing."""
    key = uuid7()
    in_conflict = stale(FOR_EVER)

    def done_then_stale(exchange: Exchange) -> None:
        if exchange.is_write:
            exchange.forward()
        in_conflict(exchange)

    proxy.handle = done_then_stale
    url = path.format(strategy=strategy, id=counter_id)
    body = None if "{id}" in path else {"increments": [{"id": counter_id}]}
    answer = proxied_api.post(url, json=body, headers=keyed(key))
    proxy.reset()
    again = proxied_api.post(url, json=body, headers=keyed(key))
    [told], [settled] = ((it.json().get("results") or [it.json()]) for it in (answer, again))

    assert ("/problems/conflicts-not-resolved", "unknown") == (told["type"], told["outcome"])
    assert (1, "true") == (settled["value"], again.headers[REPLAYED])
    assert 1 == api.value_of(counter_id)


def test_a_refusal_does_not_settle_what_is_unknown(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str
) -> None:
    """A write that may have been done stays so, although the next try is certainly refused."""
    faults = iter([lost])

    def lose_once_then_refuse(exchange: Exchange) -> None:
        if not exchange.is_write:
            exchange.forward()
            return
        fault = next(faults, None)
        if fault:
            fault(exchange)
        else:
            exchange.answer(403, {"error": {"type": "cluster_block_exception"}, "status": 403})

    proxy.handle = lose_once_then_refuse
    answer = proxied_api.post(f"/{strategy}/{counter_id}", headers=keyed(uuid7()))

    assert "unknown" == problem_in(answer, 503, "unavailable")["outcome"]
    assert 1 == api.value_of(counter_id)
