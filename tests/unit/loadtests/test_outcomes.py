"""What an answer proves: only the documented one is a promise, only a documented refusal is none."""

import json
import socket
from typing import Any

import pytest

from loadtests.outcomes import Increment, Outcome, from_error, from_reply

ASKED = Increment(counter="c", strategy="occ", by=3)
ANSWER = {"id": "c", "strategy": "occ", "by": 3, "value": 9, "attempts": 2, "conflicts": 1}


def test_the_documented_answer_is_an_acknowledgement() -> None:
    """A 200 that repeats what was asked and tells the value acknowledges, and its conflicts are counted."""
    answer = from_reply(200, json.dumps(ANSWER).encode(), ASKED)

    assert (Outcome.ACKNOWLEDGED, 1, "") == (answer.outcome, answer.conflicts, answer.complaint)


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
        {"conflicts": None},
        {"attempts": "1"},
    ],
)
def test_any_other_200_is_malformed(wrong: dict[str, Any]) -> None:
    """A 200 that leaves a doubt about what was counted counts as unknown, and as a breach of the contract."""
    answer = from_reply(200, json.dumps(ANSWER | wrong).encode(), ASKED)

    assert (Outcome.UNKNOWN, True, 0) == (answer.outcome, answer.malformed, answer.conflicts)
    assert next(iter(wrong)) in answer.complaint


@pytest.mark.parametrize("body", [None, b"", b"{", b"[]", b"null", b"\xff", b"9" * 5000, b"[" * 10**5])
def test_a_200_that_is_no_object_is_malformed(body: bytes | None) -> None:
    """A body that isn't a JSON object promises nothing."""
    answer = from_reply(200, body, ASKED)

    assert (Outcome.UNKNOWN, True) == (answer.outcome, answer.malformed)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, {}, Outcome.FAILED),
        (404, {}, Outcome.FAILED),
        (409, {"type": "/problems/conflict"}, Outcome.FAILED),
        (429, {}, Outcome.FAILED),
        (503, {"outcome": "not-applied"}, Outcome.FAILED),
        (503, {"outcome": "unknown"}, Outcome.UNKNOWN),
        (503, {}, Outcome.UNKNOWN),
        (500, {}, Outcome.UNKNOWN),
        (502, {}, Outcome.UNKNOWN),
        (504, {}, Outcome.UNKNOWN),
        (201, ANSWER, Outcome.UNKNOWN),
        (308, {}, Outcome.UNKNOWN),
        (0, {}, Outcome.UNKNOWN),
    ],
)
def test_other_statuses(status: int, body: dict[str, Any], outcome: Outcome) -> None:
    """A 4xx and "not-applied" are certain, everything else may have been applied; neither is malformed."""
    answer = from_reply(status, json.dumps(body).encode(), ASKED)

    assert (outcome, False) == (answer.outcome, answer.malformed)
    assert answer.complaint.startswith(f"{outcome}: status {status}")


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
