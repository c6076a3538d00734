"""Several callers behind one write: what each is told, and what has counted, whatever becomes of that write.

The service runs in the test's own process here, so that the test can look into the queue. Nothing else shows when a
caller waits in it.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any, Final

import pytest
from flask import Flask

from localnode.processes import wait_until
from service import create_app
from service.counters import MAX_VALUE
from service.settings import Settings
from service.storage.protocol import CounterRepository
from service.strategies import STRATEGIES
from service.strategies.group_commit import GroupCommit
from tests.api import Api
from tests.keys import uuid7
from tests.problems import problem_in
from tests.proxy import Exchange, Proxy
from tests.wire import Answer

SECONDS: Final = 60.0
"""How long a test waits for what must happen."""

Fault = Callable[[Exchange], None]


class Gate:
    """Where each write stands still, before Elasticsearch hears of it, until the test lets it go on.

    Attributes:
        passed: The writes that have gone on, and what was answered to them.
    """

    def __init__(self) -> None:
        self.passed: list[Exchange] = []
        self._arrived = threading.Semaphore(0)
        self._faults: SimpleQueue[Fault] = SimpleQueue()
        self._is_open = False

    def __call__(self, exchange: Exchange) -> None:
        """Forward the exchange; a write, as it is let through."""
        if not exchange.is_write or self._is_open:
            exchange.forward()
            return
        self._arrived.release()
        self._faults.get(timeout=SECONDS)(exchange)
        self.passed.append(exchange)

    def wait(self) -> None:
        """Wait until a further write stands here."""
        assert self._arrived.acquire(timeout=SECONDS)

    def let(self, fault: Fault = Exchange.forward) -> None:
        """Let one write go on, and decide what becomes of it."""
        self._faults.put(fault)

    def open(self) -> None:
        """Let the one that stands here go on, and all that come."""
        self._is_open = True
        self.let()


@dataclass(frozen=True, slots=True)
class Office:
    """The service, and callers in threads of their own.

    Attributes:
        app: The service.
        commit: What gathers the increments of its callers.
        gate: Where its writes stand still.
        pool: The threads.
    """

    app: Flask
    commit: GroupCommit
    gate: Gate
    pool: ThreadPoolExecutor

    def post(self, counter_id: str, *, key: str = "", patience: str = "60", by: int = 1) -> "Future[Answer]":
        """Have a caller ask for an increment."""
        headers = {"X-Request-Timeout": patience, **({"Idempotency-Key": key} if key else {})}

        def sent() -> Answer:
            return Answer.of(
                self.app.test_client().post(f"/batched/{counter_id}", json={"by": by}, headers=headers)
            )

        return self.pool.submit(sent)

    def queue(self, counter_id: str, **how: Any) -> "Future[Answer]":
        """Have a caller ask likewise while a write stands at the gate, and return once the caller waits its turn."""
        before = self.commit.queued
        answer = self.post(counter_id, **how)
        assert wait_until(lambda: self.commit.queued > before or answer.done(), timeout=SECONDS)
        return answer

    def hold(self) -> "Future[Answer]":
        """Have a caller whose write stands at the gate, so that all others have to wait."""
        answer = self.post("first")
        self.gate.wait()
        return answer

    def go_on(self) -> None:
        """Let the first write go on, and wait until that of all others stands at the gate."""
        self.gate.let()
        self.gate.wait()


@dataclass(slots=True)
class Watched:
    """Makes the group commit that the service asks for, and keeps it in sight."""

    made: list[GroupCommit] = field(default_factory=list)

    def __call__(self, repository: CounterRepository) -> GroupCommit:
        """Make it."""
        self.made.append(GroupCommit(repository))
        return self.made[-1]


Open = Callable[..., Office]
"""Opens an office with these settings, besides those that lead it to Elasticsearch through the proxy."""


@pytest.fixture
def open_office(settings: Settings, proxy: Proxy) -> Iterator[Open]:
    """Open offices whose gate is closed; in the end it is open."""
    gate = Gate()
    with ThreadPoolExecutor(8) as pool:

        def opened(**further: Any) -> Office:
            watched = Watched()
            strategies = {**STRATEGIES, "batched": replace(STRATEGIES["batched"], storage=watched)}
            patient = {"elasticsearch_timeout": SECONDS, "request_timeout": SECONDS}
            through_proxy = replace(settings, elasticsearch_url=(proxy.url,), **(patient | further))
            app = create_app(through_proxy, strategies=strategies)
            proxy.handle = gate
            return Office(app, watched.made[0], gate, pool)

        yield opened
        gate.open()


@pytest.fixture
def office(open_office: Open) -> Office:
    """One with the usual settings."""
    return open_office()


def lost(exchange: Exchange) -> None:
    """The write is done and the connection closed."""
    exchange.forward()
    exchange.lose()


def cut(exchange: Exchange) -> None:
    """The write is done and half of the reply arrives, with a length to match."""
    exchange.forward()
    exchange.body = exchange.body[: len(exchange.body) // 2]


def bad_gateway(exchange: Exchange) -> None:
    """The write is done and a gateway says that it was not."""
    exchange.forward()
    exchange.answer(502, {})


def overloaded(exchange: Exchange) -> None:
    """Elasticsearch refuses before it does anything."""
    exchange.answer(429, {"error": {"type": "es_rejected_execution_exception"}, "status": 429})


unproven = pytest.mark.parametrize("fault", [lost, cut, bad_gateway])


def values_of(answers: "list[Future[Answer]]") -> list[int]:
    """Return what successes say that the counter was right after each."""
    done = [answer.result(SECONDS) for answer in answers]
    assert {200} == {each.status_code for each in done}
    return [each.json()["value"] for each in done]


def test_who_waits_shares_a_write(office: Office, api: Api, counter_id: str) -> None:
    """All who waited are answered from one bulk request, each with the value after its own increment.

    Only the last one's was ever the counter's, and so it alone has a version to rely on.
    """
    first = office.hold()
    others = [office.queue(counter_id, by=by) for by in (1, 10, 100)]
    others.append(office.queue(f"{counter_id}-b"))
    office.go_on()
    office.gate.let()

    assert [1, 11, 111, 1] == values_of(others)
    assert first.result(SECONDS).status_code == 200
    assert [True, True] == [write.path.endswith("/_bulk") for write in office.gate.passed]
    assert [
        None,
        None,
        *(api.get(f"/counters/{id_}").headers["ETag"] for id_ in (counter_id, f"{counter_id}-b")),
    ] == [other.result().headers.get("etag") for other in others]
    assert {(1, 0)} == {
        (other.result().json()["attempts"], other.result().json()["conflicts"]) for other in others
    }
    assert (111, 1) == (api.value_of(counter_id), api.value_of(f"{counter_id}-b"))


@unproven
def test_what_proves_nothing_is_unknown_to_all(
    office: Office, api: Api, counter_id: str, fault: Fault
) -> None:
    """Without a key each is told so and nothing is sent again; what was done stays done once."""
    office.hold()
    callers = [office.queue(counter_id, by=by) for by in (1, 10, 100)]
    office.go_on()
    office.gate.let(fault)
    answers = [caller.result(SECONDS) for caller in callers]

    assert ["unknown"] * 3 == [problem_in(answer, 503, "unavailable")["outcome"] for answer in answers]
    assert [False] * 3 == ["retry-after" in answer.headers for answer in answers]
    assert 2 == len(office.gate.passed)
    assert 111 == api.value_of(counter_id)


@unproven
def test_each_caller_resolves_what_is_unknown_by_its_key(
    open_office: Open, api: Api, counter_id: str, fault: Fault
) -> None:
    """Whoever repeats its request is answered what it came to in the write that nobody was told of, and counts once."""
    office = open_office(conflict_max_attempts=1)
    requests = [(uuid7(), by) for by in (1, 10, 100)]
    office.hold()
    callers = [office.queue(counter_id, key=key, by=by) for key, by in requests]
    office.go_on()
    office.gate.let(fault)
    answers = [caller.result(SECONDS) for caller in callers]
    office.gate.open()
    replays = [office.post(counter_id, key=key, by=by) for key, by in reversed(requests)]

    assert ["unknown"] * 3 == [problem_in(answer, 503, "unavailable")["outcome"] for answer in answers]
    assert [True] * 3 == ["retry-after" in answer.headers for answer in answers]
    assert [111, 11, 1] == values_of(replays)
    assert ["true"] * 3 == [replay.result().headers["idempotency-replayed"] for replay in replays]
    assert 111 == api.value_of(counter_id)


@unproven
def test_the_service_repeats_what_has_a_key_for_each(
    office: Office, api: Api, counter_id: str, fault: Fault
) -> None:
    """Of those who shared a write of unknown outcome, who has a key is tried again and counts once; others are told."""
    office.hold()
    keyed = [office.queue(counter_id, by=by, key=uuid7()) for by in (1, 10, 100)]
    keyless = office.queue(counter_id, by=1000)
    office.go_on()
    office.gate.let(fault)
    office.gate.open()

    assert [1, 11, 111] == values_of(keyed)
    assert ["true"] * 3 == [caller.result().headers["idempotency-replayed"] for caller in keyed]
    assert "unknown" == problem_in(keyless.result(SECONDS), 503, "unavailable")["outcome"]
    assert 1111 == api.value_of(counter_id)


def test_what_is_refused_is_not_applied_for_all(office: Office, api: Api, counter_id: str) -> None:
    """An overloaded Elasticsearch is called once for all of them; each may come back, with a key or without."""
    office.hold()
    callers = [office.queue(counter_id), office.queue(counter_id, key=uuid7())]
    office.go_on()
    office.gate.let(overloaded)
    answers = [caller.result(SECONDS) for caller in callers]

    assert ["not-applied"] * 2 == [problem_in(answer, 503, "unavailable")["outcome"] for answer in answers]
    assert [True] * 2 == ["retry-after" in answer.headers for answer in answers]
    assert 2 == len(office.gate.passed)
    assert 404 == api.get(f"/counters/{counter_id}").status_code


def test_who_is_refused_is_refused_alone(office: Office, api: Api, counter_id: str) -> None:
    """An overflow, and a key that stands for something else, change nothing for those who share write and counter."""
    full, used = f"{counter_id}-full", uuid7()
    api.put(f"/counters/{full}", json={"value": MAX_VALUE - 1})
    api.post(f"/batched/{counter_id}", json={"by": 5}, headers={"Idempotency-Key": used})
    office.hold()
    callers = [
        office.queue(counter_id, by=10),
        office.queue(full, by=2),
        office.queue(full, by=1),
        office.queue(counter_id, by=7, key=used),
        office.queue(counter_id, by=5, key=used),
        office.queue(counter_id, by=100, key=uuid7()),
    ]
    office.go_on()
    office.gate.let()
    answers = [caller.result(SECONDS) for caller in callers]

    problem_in(answers[1], 409, "counter-overflow")
    problem_in(answers[3], 422, "idempotency-key-reused")
    assert [15, MAX_VALUE, 5, 115] == [answers[index].json()["value"] for index in (0, 2, 4, 5)]
    assert 2 == len(office.gate.passed)
    assert (115, MAX_VALUE) == (api.value_of(counter_id), api.value_of(full))


def test_a_key_that_is_sent_twice_at_once_counts_once(office: Office, api: Api, counter_id: str) -> None:
    """A caller that does not wait for its first answer shares the write with itself."""
    key = uuid7()
    office.hold()
    callers = [office.queue(counter_id, key=key, by=5) for _ in range(3)]
    office.go_on()
    office.gate.let()

    assert [5, 5, 5] == values_of(callers)
    assert [None, "true", "true"] == [
        caller.result().headers.get("idempotency-replayed") for caller in callers
    ]
    assert 5 == api.value_of(counter_id)


def test_who_gives_up_in_the_queue_has_not_counted(office: Office, api: Api, counter_id: str) -> None:
    """A caller whose time is up before its write begins is told that nothing was done, and nothing is."""
    office.hold()
    patient = office.queue(counter_id, by=1)
    impatient = office.queue(counter_id, by=5, patience="0.05", key=uuid7())
    given_up = impatient.result(SECONDS)
    office.go_on()
    office.gate.let()

    assert "not-applied" == problem_in(given_up, 503, "unavailable")["outcome"]
    assert "retry-after" in given_up.headers
    assert [1] == values_of([patient])
    assert 1 == api.value_of(counter_id)


def test_who_gives_up_in_flight_does_not_know(office: Office, api: Api, counter_id: str) -> None:
    """What is on its way may count, and here it does; whoever shares the write and waits on is answered."""
    office.hold()
    patient = office.queue(counter_id, by=1)
    impatient = office.queue(counter_id, by=5, patience="2")
    office.go_on()
    given_up = impatient.result(SECONDS)
    office.gate.let()

    assert "unknown" == problem_in(given_up, 503, "unavailable")["outcome"]
    assert "retry-after" not in given_up.headers
    assert [1] == values_of([patient])
    assert 6 == api.value_of(counter_id)


@pytest.mark.parametrize("key", [uuid7, str], ids=["keyed", "keyless"])
def test_a_counter_that_is_deleted_meanwhile_begins_anew(
    office: Office, api: Api, counter_id: str, key: Callable[[], str]
) -> None:
    """Increments that waited while their counter was deleted count from 0; another counter's go on."""
    api.post(f"/batched/{counter_id}", json={"by": 7}, headers={"Idempotency-Key": uuid7()})
    api.put(f"/counters/{counter_id}-b", json={"value": 7})
    office.hold()
    callers = [office.queue(id_, key=key()) for id_ in (counter_id, f"{counter_id}-b", counter_id)]
    deleted = api.delete(f"/counters/{counter_id}").status_code
    office.go_on()
    office.gate.let()

    assert 204 == deleted
    assert [1, 8, 2] == values_of(callers)
    assert (2, 8) == (api.value_of(counter_id), api.value_of(f"{counter_id}-b"))
