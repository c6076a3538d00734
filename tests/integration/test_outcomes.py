"""What callers are told when Elasticsearch's answer is missing, broken or no proof, and what is stored then."""

from collections.abc import Callable

import pytest

from service.strategies import STRATEGIES
from tests.api import Api
from tests.proxy import Exchange, Proxy
from tests.strategies import READING

Fault = Callable[[Exchange], None]


def lost_after_the_write(exchange: Exchange) -> None:
    """The write is done and the connection closed."""
    exchange.forward()
    exchange.lose()


def empty_reply(exchange: Exchange) -> None:
    """The write is done and the reply has status 200 and no body, as one that is cut within its headers."""
    exchange.forward()
    exchange.body = b""


def cut_reply(exchange: Exchange) -> None:
    """The write is done and half of the reply's body arrives, with a length to match."""
    exchange.forward()
    exchange.body = exchange.body[: len(exchange.body) // 2]


def foreign_reply(exchange: Exchange) -> None:
    """The write is done and a proxy answers with some success of its own."""
    exchange.forward()
    exchange.answer(200, {"ok": True})


def bad_gateway(exchange: Exchange) -> None:
    """The write is done and a proxy says that it was not."""
    exchange.forward()
    exchange.answer(502, {})


def gateway_timeout(exchange: Exchange) -> None:
    """The write is done and a proxy had given up waiting."""
    exchange.forward()
    exchange.answer(504, {})


def gateway_conflict(exchange: Exchange) -> None:
    """The write is done and a gateway answers with a 409 that is not Elasticsearch's."""
    exchange.forward()
    exchange.answer(409, {"message": "busy"})


def overloaded(exchange: Exchange) -> None:
    """Elasticsearch refuses before it does anything."""
    exchange.answer(429, {"error": {"type": "es_rejected_execution_exception"}, "status": 429})


def blocked(exchange: Exchange) -> None:
    """The index is read-only."""
    exchange.answer(403, {"error": {"type": "cluster_block_exception"}, "status": 403})


UNKNOWN = [
    lost_after_the_write,
    empty_reply,
    cut_reply,
    foreign_reply,
    bad_gateway,
    gateway_timeout,
    gateway_conflict,
]
NOT_APPLIED = [overloaded, blocked]


def on_writes(fault: Fault) -> Fault:
    """Let reads pass and give each write the fault."""

    def handle(exchange: Exchange) -> None:
        if exchange.is_write:
            fault(exchange)
        else:
            exchange.forward()

    return handle


@pytest.mark.parametrize("fault", UNKNOWN)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_reply_that_proves_nothing_is_an_unknown_outcome(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str, fault: Fault
) -> None:
    """The caller gets a 503 that invites no repetition, and the write that was sent once was done once."""
    api.put(f"/counters/{counter_id}", json={"value": 0})
    proxy.handle = on_writes(fault)

    answer = proxied_api.post(f"/{strategy}/{counter_id}")

    assert (503, "unknown") == (answer.status_code, answer.json()["outcome"])
    assert "Retry-After" not in answer.headers
    assert 1 == api.value_of(counter_id)


@pytest.mark.parametrize("fault", UNKNOWN)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_list_without_proof_is_unknown_item_by_item(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str, fault: Fault
) -> None:
    """Every item that was sent is told as unknown, and was done once."""
    proxy.handle = on_writes(fault)
    ids = [f"{counter_id}-a", f"{counter_id}-b"]

    answer = proxied_api.post(f"/{strategy}", json={"increments": [{"id": id_} for id_ in ids]})

    assert (200, 0, 2) == (answer.status_code, answer.json()["failed"], answer.json()["unknown"])
    assert ["unknown", "unknown"] == [result["outcome"] for result in answer.json()["results"]]
    assert [1, 1] == [api.value_of(id_) for id_ in ids]


@pytest.mark.parametrize("fault", NOT_APPLIED)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_refusal_is_not_applied(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str, fault: Fault
) -> None:
    """The caller gets a 503 that says that nothing was done and when to come back, and nothing was done."""
    api.put(f"/counters/{counter_id}", json={"value": 0})
    proxy.handle = on_writes(fault)

    answer = proxied_api.post(f"/{strategy}/{counter_id}")

    assert (503, "not-applied") == (answer.status_code, answer.json()["outcome"])
    assert int(answer.headers["Retry-After"]) >= 1
    assert 0 == api.value_of(counter_id)


@pytest.mark.parametrize("strategy", READING)
def test_a_lost_read_is_not_applied(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, strategy: str
) -> None:
    """What fails before the write was sent has certainly not been counted."""
    proxy.handle = lost_after_the_write

    answer = proxied_api.post(f"/{strategy}/{counter_id}")

    assert (503, "not-applied") == (answer.status_code, answer.json()["outcome"])
    assert 404 == api.get(f"/counters/{counter_id}").status_code


@pytest.mark.parametrize("fault", UNKNOWN)
def test_setting_and_deleting_without_proof_are_unknown(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, fault: Fault
) -> None:
    """They are done once and told as unknown, as increments are."""
    api.put(f"/counters/{counter_id}", json={"value": 0})
    proxy.handle = on_writes(fault)

    set_ = proxied_api.put(f"/counters/{counter_id}", json={"value": 7})
    value = api.value_of(counter_id)
    deleted = proxied_api.delete(f"/counters/{counter_id}")

    assert [(503, "unknown")] * 2 == [
        (answer.status_code, answer.json()["outcome"]) for answer in (set_, deleted)
    ]
    assert 7 == value
    assert 404 == api.get(f"/counters/{counter_id}").status_code


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"message": "no Route matched"}),
        (404, None),
        (404, []),
        (200, None),
        (200, []),
        (200, {}),
        (500, {}),
    ],
)
def test_a_read_that_says_nothing_is_no_counter_at_zero(
    proxy: Proxy, api: Api, proxied_api: Api, counter_id: str, status: int, body: object
) -> None:
    """An answer that is not Elasticsearch's starts no counter again, and makes nothing look gone."""
    api.put(f"/counters/{counter_id}", json={"value": 7})

    def answer_reads(exchange: Exchange) -> None:
        if exchange.is_write:
            exchange.forward()
        else:
            exchange.answer(status, body)

    proxy.handle = answer_reads
    answers = [
        proxied_api.post(f"/naive/{counter_id}"),
        proxied_api.post(f"/occ/{counter_id}"),
        proxied_api.get(f"/counters/{counter_id}"),
        proxied_api.put(f"/counters/{counter_id}", json={"value": 1}),
        proxied_api.delete(f"/counters/{counter_id}"),
        proxied_api.get("/counters"),
        proxied_api.get("/readyz"),
    ]

    assert [(503, "not-applied")] * 7 == [
        (answer.status_code, answer.json()["outcome"]) for answer in answers
    ]
    assert 7 == api.value_of(counter_id)
