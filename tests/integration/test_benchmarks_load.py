"""The load of the benchmarks against a server that stalls, drops, lies and refuses: every request is accounted for."""

import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Final

import pytest

from benchmarks import load as load_module
from benchmarks.errors import BenchmarkError
from benchmarks.load import Dose, Outcome, send
from tests.listening import listening

SECONDS: Final = 1.0
RATE: Final = 50.0
STALL: Final = 0.3
MANY: Final = 4
"""Connections."""
COUNTERS: Final = 3

Answering = Callable[[int], bytes | None]
"""Returns what the request of that number, from 0, is answered with; None closes the connection instead."""

APPLIED: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def problem(status: int, outcome: str) -> bytes:
    """Return the answer of a request that was not acknowledged."""
    body = f'{{"outcome":"{outcome}"}}'.encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


class Server:
    """Answers as told, at ``url`` once it listens.

    ``heads`` are the requests that have reached it, of all connections: the lines of each.
    """

    def __init__(self, answering: Answering) -> None:
        self.url = ""
        self.heads: list[list[bytes]] = []
        self._answering = answering
        self._mutex = threading.Lock()

    @property
    def asked(self) -> int:
        """How many requests have reached it."""
        return len(self.heads)

    def answer_all(self, caller: socket.socket, _over: threading.Event) -> None:
        """Answer the requests of a connection, until one is to be closed instead."""
        head: list[bytes] = []
        with caller.makefile("rb") as lines:
            for line in lines:
                head.append(line.strip())
                if head[-1]:
                    continue
                with self._mutex:
                    number = self.asked
                    self.heads.append(head)
                head = []
                answer = self._answering(number)
                if answer is None:
                    return
                caller.sendall(answer)


@contextmanager
def server(answering: Answering) -> Iterator[Server]:
    """Give a server that runs."""
    made = Server(answering)
    with listening(made.answer_all) as node:
        made.url = f"{node.url}/batched/load-"
        yield made


def test_every_request_is_an_answer_of_the_load() -> None:
    """What was acknowledged is counted as that, and no more often than it was asked."""
    with server(lambda _: APPLIED) as serving:
        load = send(serving.url, Dose(seconds=SECONDS), connections=1)

    assert serving.asked == len(load.answers) > 0
    assert {Outcome.ACKNOWLEDGED} == {answer.outcome for answer in load.answers}


def test_a_dropped_connection_is_a_request_of_unknown_outcome() -> None:
    """It is neither left out nor sent again in silence, which would pass for a lost or a doubled increment."""
    with server(lambda number: None if number % 5 == 4 else APPLIED) as serving:
        load = send(serving.url, Dose(seconds=SECONDS), connections=1)

    dropped = [answer for answer in load.answers if answer.status == 0]
    assert serving.asked == len(load.answers)
    assert serving.asked // 5 == len(dropped) > 0
    assert {Outcome.UNKNOWN} == {answer.outcome for answer in dropped}


def test_what_an_answer_says_of_its_increment_is_believed() -> None:
    """As the contract has it: a status alone does not tell."""
    said = {
        0: (problem(503, "not-applied"), Outcome.REFUSED),
        1: (problem(503, "unknown"), Outcome.UNKNOWN),
        2: (problem(409, "unknown"), Outcome.UNKNOWN),
        3: (b"HTTP/1.1 400 X\r\nContent-Length: 2\r\n\r\n{}", Outcome.REFUSED),
        4: (b"HTTP/1.1 502 X\r\nContent-Length: 2\r\n\r\n{}", Outcome.UNKNOWN),
    }
    with server(lambda number: said[number][0] if number in said else APPLIED) as serving:
        load = send(serving.url, Dose(seconds=SECONDS), connections=1)

    first = sorted(load.answers, key=lambda answer: answer.sent)[: len(said)]
    assert [outcome for _, outcome in said.values()] == [answer.outcome for answer in first]


def test_a_stall_counts_for_all_that_it_held_up() -> None:
    """At a constant rate requests are due at equal distances, whatever becomes of those before them."""

    def stalling(number: int) -> bytes:
        if number == 5:
            time.sleep(STALL)
        return APPLIED

    with server(stalling) as serving:
        load = send(serving.url, Dose(seconds=SECONDS, rate=RATE), connections=1)

    answers = sorted(load.answers, key=lambda answer: answer.due)
    interval = 10**6 / RATE
    assert all(abs(later.due - earlier.due - interval) <= 1 for earlier, later in pairwise(answers))
    stalled = answers[5]
    held_up = [answer for answer in answers if stalled.due < answer.due < stalled.ended]
    assert stalled.latency >= STALL * 10**6
    assert len(held_up) >= STALL * RATE - 2
    assert all(answer.sent >= stalled.ended for answer in held_up)
    assert all(answer.latency >= stalled.ended - answer.due for answer in held_up)


def test_connections_share_the_rate_and_spread_over_the_counters() -> None:
    """What all of them send is due at equal distances, and every counter gets some."""
    with server(lambda _: APPLIED) as serving:
        dose = Dose(seconds=SECONDS, rate=RATE)
        load = send(serving.url, dose, connections=MANY, counters=COUNTERS)

    dues = sorted(answer.due for answer in load.answers)
    assert serving.asked == len(dues) == round(SECONDS * RATE)
    assert all(abs(later - earlier - 10**6 / RATE) <= 1 for earlier, later in pairwise(dues))
    paths = {head[0].split()[1] for head in serving.heads}
    assert {f"/batched/load-{number}".encode() for number in range(COUNTERS)} == paths
    asked = Counter(int(head[0].split()[1].rpartition(b"-")[2]) for head in serving.heads)
    assert asked == Counter(answer.counter for answer in load.answers)


def test_a_request_that_is_never_answered_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once nothing more is sent and it has had its time; all that was answered before counts."""
    monkeypatch.setattr(load_module, "PATIENCE", 1)
    over = threading.Event()

    def silent(number: int) -> bytes | None:
        if number < 2:
            return APPLIED
        over.wait()
        return None

    with server(silent) as serving:
        load = send(serving.url, Dose(seconds=SECONDS), connections=1)
        over.set()

    assert [Outcome.ACKNOWLEDGED] * 2 + [Outcome.UNKNOWN] == [answer.outcome for answer in load.answers]
    assert load.answers[-1].latency == 10**6
    assert load.answers[-1].counter is None


def test_where_nobody_listens_is_told() -> None:
    """And no load of nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/batched/load-"

    with pytest.raises(BenchmarkError, match="wrk failed"):
        send(address, Dose(seconds=0.1), connections=1)


def test_nothing_is_sent_that_is_not_due_in_time() -> None:
    """Of more connections than requests some have nothing to send."""
    with server(lambda _: APPLIED) as serving:
        load = send(serving.url, Dose(seconds=SECONDS, rate=2.0), connections=MANY)

    assert serving.asked == len(load.answers) == 2
    assert {Outcome.ACKNOWLEDGED} == {answer.outcome for answer in load.answers}


def test_each_request_has_a_key_of_its_own() -> None:
    """As the contract demands them, also where several connections make them at the same time."""
    with server(lambda _: APPLIED) as serving:
        send(serving.url, Dose(seconds=SECONDS), connections=MANY, keyed=True)

    name = b"Idempotency-Key: "
    keys = [line.removeprefix(name) for head in serving.heads for line in head if line.startswith(name)]
    assert serving.asked == len(set(keys)) > MANY
    assert {7} == {uuid.UUID(key.decode()).version for key in keys}
