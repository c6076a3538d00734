"""What vegeta's table of results is read as."""

import base64
import json
from pathlib import Path

from benchmarks.load import Answer, Outcome, from_due, parse, write_requests

MILLISECOND = 10**6


def row(
    seq: int, *, sent: int = 0, latency: int = 5, status: int = 200, body: str = "", error: str = ""
) -> str:
    """Return a line of ``vegeta encode --to csv``."""
    encoded = base64.b64encode(body.encode()).decode()
    return f'{sent},{status},{latency},0,{len(body)},"{error}",{encoded},,{seq},POST,http://127.0.0.1:1/occ/a,aGVhZA==\n'


def outcome(status: int, body: str = "") -> Outcome:
    """Return what an answer is taken for."""
    (answer,) = parse([row(0, status=status, body=body)])
    return answer.outcome


def answer(seq: int, *, sent: int, latency: int) -> Answer:
    """Return an acknowledged answer; times are in milliseconds."""
    return Answer(seq, sent * MILLISECOND, latency * MILLISECOND, 200, Outcome.ACKNOWLEDGED)


def test_answers_come_in_the_order_of_their_requests() -> None:
    """Vegeta writes them as they end."""
    answers = list(parse([row(1, sent=20), row(0, sent=10, latency=30)]))

    assert [
        Answer(0, 10, 30, 200, Outcome.ACKNOWLEDGED),
        Answer(1, 20, 5, 200, Outcome.ACKNOWLEDGED),
    ] == answers


def test_a_client_error_has_changed_nothing() -> None:
    """A conflict that was not resolved is one."""
    assert outcome(409) is Outcome.REFUSED


def test_a_problem_says_itself_whether_anything_was_applied() -> None:
    """The service's 503 has a member for that."""
    assert outcome(503, json.dumps({"outcome": "not-applied"})) is Outcome.REFUSED
    assert outcome(503, json.dumps({"outcome": "unknown"})) is Outcome.UNKNOWN


def test_whatever_says_nothing_is_unknown() -> None:
    """As an answer that never came, or one in HTML."""
    assert outcome(0) is Outcome.UNKNOWN
    assert outcome(500, "<h1>Oops</h1>") is Outcome.UNKNOWN
    assert outcome(502, "[]") is Outcome.UNKNOWN


def test_a_late_request_is_timed_from_when_it_was_due() -> None:
    """One that a stall held up for 40 ms has taken 45, even though it was answered within 5."""
    answers = [
        answer(0, sent=100, latency=5),
        answer(1, sent=110, latency=50),
        answer(2, sent=160, latency=5),
        answer(3, sent=165, latency=5),
    ]

    assert [5, 50, 45, 40] == [latency // MILLISECOND for latency in from_due(answers, 100)]


def test_the_schedule_is_that_of_the_request_that_left_least_late() -> None:
    """The first one may have left late itself."""
    answers = [answer(0, sent=103, latency=5), answer(1, sent=110, latency=5)]

    assert [8, 5] == [latency // MILLISECOND for latency in from_due(answers, 100)]


def test_nothing_was_due_without_requests() -> None:
    """There is no schedule to find."""
    assert [] == from_due([], 100)


def test_every_request_has_a_key_of_its_own(tmp_path: Path) -> None:
    """URLs start over; keys do not."""
    write_requests(tmp_path / "requests", ["http://127.0.0.1:1/occ/a"], ["k1", "k2"])

    lines = (tmp_path / "requests").read_text().splitlines()
    keys = [json.loads(line)["header"]["Idempotency-Key"] for line in lines]

    assert [["k1"], ["k2"]] == keys


def test_requests_without_keys_have_no_header(tmp_path: Path) -> None:
    """Each counter is asked for in turn."""
    write_requests(tmp_path / "requests", ["http://127.0.0.1:1/occ/a", "http://127.0.0.1:1/occ/b"])

    lines = (tmp_path / "requests").read_text().splitlines()

    assert {"method": "POST", "url": "http://127.0.0.1:1/occ/b"} == json.loads(lines[1])
