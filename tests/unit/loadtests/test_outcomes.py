"""What an answer proves: only the documented one is a promise, only a documented refusal is none."""

import json
import socket
from typing import Any

import pytest

from loadtests.outcomes import Increment, Outcome, from_error, from_reply

JSON = "application/json"
PROBLEM = "application/problem+json"
CONFLICT = {"type": "/problems/conflicts-not-resolved"}
UNAVAILABLE = {"type": "/problems/unavailable"}
ASKED = Increment(counter="c", strategy="occ", by=3)
ANSWER = {"id": "c", "strategy": "occ", "by": 3, "value": 9, "attempts": 2, "conflicts": 1}


def test_the_documented_answer_is_an_acknowledgement() -> None:
    """A 200 that repeats what was asked acknowledges, and its value and conflicts are taken from it."""
    answer = from_reply(200, JSON, json.dumps(ANSWER).encode(), ASKED)

    assert (Outcome.ACKNOWLEDGED, 9, 1, "") == (
        answer.outcome, answer.value, answer.conflicts, answer.complaint,
    )  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "another"},
        {"strategy": "naive"},
        {"by": 1},
        {"by": 3.0},
        {"value": "9"},
        {"value": 9.0},
        {"value": True},
        {"value": None},
        {"value": 2**63},
        {"value": -(2**63) - 1},
        {"conflicts": None},
        {"attempts": "1"},
    ],
)
def test_any_other_200_is_malformed(wrong: dict[str, Any]) -> None:
    """A 200 that leaves a doubt about what was counted counts as unknown, and as a breach of the contract."""
    answer = from_reply(200, JSON, json.dumps(ANSWER | wrong).encode(), ASKED)

    assert (Outcome.UNKNOWN, True, 0) == (answer.outcome, answer.malformed, answer.conflicts)
    assert next(iter(wrong)) in answer.complaint


@pytest.mark.parametrize("body", [None, b"", b"{", b"[]", b"null", b"\xff", b"9" * 5000, b"[" * 10**5])
def test_a_200_that_is_no_object_is_malformed(body: bytes | None) -> None:
    """A body that isn't a JSON object promises nothing."""
    answer = from_reply(200, JSON, body, ASKED)

    assert (Outcome.UNKNOWN, True) == (answer.outcome, answer.malformed)


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (400, {"type": "/problems/bad-request"}),
        (409, CONFLICT),
        (409, CONFLICT | {"outcome": "not-applied"}),
        (422, {"type": "/problems/invalid-request"}),
        (503, UNAVAILABLE | {"outcome": "not-applied"}),
    ],
)
@pytest.mark.parametrize("content_type", [PROBLEM, "Application/Problem+JSON ; charset=utf-8"])
def test_documented_refusals(status: int, problem: dict[str, Any], content_type: str) -> None:
    """A documented problem that is a 4xx, or says "not-applied", is certain."""
    answer = from_reply(status, content_type, json.dumps(problem).encode(), ASKED)

    assert (Outcome.FAILED, False) == (answer.outcome, answer.malformed)
    assert (problem["type"], f"failed: status {status} {problem['type']}") == (
        answer.problem,
        answer.complaint,
    )


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (503, PROBLEM, UNAVAILABLE | {"outcome": "unknown"}),
        (503, PROBLEM, UNAVAILABLE),
        (503, PROBLEM, {"outcome": "not-applied"}),
        (503, JSON, UNAVAILABLE | {"outcome": "not-applied"}),
        (500, PROBLEM, {"type": "/problems/internal-error"}),
        (408, "text/html", {}),
        (408, PROBLEM, {"type": "about:blank"}),
        (400, "text/html", {}),
        (404, "", {}),
        (409, JSON, CONFLICT),
        (409, PROBLEM, {"type": "https://proxy.example/problems/conflict"}),
        (409, PROBLEM, {"type": None}),
        (409, PROBLEM, []),
        (429, PROBLEM, {}),
        (502, "text/html", {}),
        (504, "text/html", {}),
        (201, JSON, ANSWER),
        (308, "", {}),
        (0, "", {}),
    ],
)
def test_other_statuses(status: int, content_type: str, body: Any) -> None:
    """Whatever else is answered, a proxy's 4xx included, may have been applied; it isn't malformed."""
    answer = from_reply(status, content_type, json.dumps(body).encode(), ASKED)

    assert (Outcome.UNKNOWN, False) == (answer.outcome, answer.malformed)
    assert answer.complaint.startswith(f"unknown: status {status}")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectionRefusedError(), Outcome.FAILED),
        (socket.gaierror(), Outcome.FAILED),
        (ConnectionResetError(), Outcome.UNKNOWN),
        (BrokenPipeError(), Outcome.UNKNOWN),
        (TimeoutError(), Outcome.UNKNOWN),
        (OSError(), Outcome.UNKNOWN),
    ],
)
def test_without_an_answer(error: Exception, outcome: Outcome) -> None:
    """Only where no connection came about is it certain that nothing was applied."""
    answer = from_error(error)

    assert (outcome, f"{outcome}: {type(error).__name__}") == (answer.outcome, answer.complaint)
