"""Linearizability: what a counter can't have answered is found, what it can have is never held against it."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.linearizability import Answer, Finding, check
from loadtests.operations import History, Operation
from loadtests.outcomes import Outcome
from tests.unit.loadtests.histories import (
    acknowledged,
    arbitrary,
    fits_an_order,
    framed,
    recorded,
    refused,
    told,
    unknown,
    with_other,
)

TWO_IN_A_ROW = [told(1, 0, 10), told(2, 20, 30)]


@pytest.mark.parametrize(
    ("operations", "final"),
    [
        ([], 0),
        (TWO_IN_A_ROW, 2),
        (TWO_IN_A_ROW, None),
        # Concurrent ones, in either order; the last two touch, and that is no order.
        ([told(2, 0, 10), told(1, 5, 15)], 2),
        ([told(2, 0, 10), told(1, 10, 20)], 2),
        # Of different amounts.
        ([told(5, 0, 10, by=5), told(7, 20, 30, by=2)], 7),
        # Unknown ones: not applied, applied at once, long after their caller gave up, and after all others.
        ([*TWO_IN_A_ROW, unknown(0)], 2),
        ([told(2, 10, 20), unknown(0)], 2),
        ([told(1, 10, 20), told(2, 30, 40), told(4, 50, 60), unknown(0)], 4),
        ([*TWO_IN_A_ROW, unknown(0)], 3),
        # Sent at the very moment when the one above it ends, and after the one below it had ended.
        ([told(1, 0, 10), told(3, 20, 30), unknown(30)], 3),
        # One is enough for one gap, wherever the other one was sent.
        ([told(2, 10, 20), told(3, 30, 40), unknown(0), unknown(50)], 4),
        ([told(2, 10, 20), told(3, 60, 70), unknown(0, 90), unknown(50, 60)], 4),
        # Amounts that add up in one way only: 5 = 2 + 3 first, and then 4.
        ([told(6, 10, 20), told(11, 30, 40), *(unknown(0, by=by) for by in (2, 3, 4))], 11),
        # Refused ones are nowhere.
        ([*TWO_IN_A_ROW, refused(12, 18)], 2),
        # The clocks of two machines say nothing about each other.
        ([told(2, 0, 10, clock="here"), told(1, 500, 510, clock="there")], 2),
        ([told(2, 0, 10, clock="here"), unknown(500, clock="there")], 2),
    ],
)  # fmt: skip
def test_what_a_counter_can_have_answered(operations: list[Operation], final: int | None) -> None:
    """Whatever fits an order is linearizable, and there is nothing to say against it."""
    assert Finding(answer=Answer.LINEARIZABLE) == check(History(operations=operations, final=final))


CONTRADICTIONS = {
    "a lost update": (
        [told(1, 0, 10), told(1, 5, 15)], 1,
        (
            "two increments were answered 1: one by 1 (from 0.000 to 10.000 ms), and one by 1 (from 5.000 "
            "to 15.000 ms)"
        ),
    ),
    "a partly lost update": (
        [told(5, 0, 10, by=5), told(7, 5, 15, by=3)], 7,
        (
            "an increment by 3 was answered 7 (from 5.000 to 15.000 ms): it began at 4, although another by "
            "5 was answered 5 (from 0.000 to 10.000 ms)"
        ),
    ),
    "a double count": (
        [told(1, 0, 10), told(3, 20, 30)], 3,
        (
            "1 was added unseen between an increment that was answered 1 (from 0.000 to 10.000 ms) and one "
            "by 1 that was answered 3 (from 20.000 to 30.000 ms), and no increment's outcome is unknown"
        ),
    ),
    "a double count of the first": (
        [told(2, 0, 10)], 2,
        (
            "1 was added unseen between the initial value 0 and one by 1 that was answered 2 (from 0.000 to "
            "10.000 ms), and no increment's outcome is unknown"
        ),
    ),
    "a refused one that was applied": (
        [told(1, 0, 10), refused(12, 18), told(3, 20, 30)], 3,
        (
            "1 was added unseen between an increment that was answered 1 (from 0.000 to 10.000 ms) and one "
            "by 1 that was answered 3 (from 20.000 to 30.000 ms), and no increment's outcome is unknown (1 "
            "answered as not applied)"
        ),
    ),
    "a stale value after a later one had been told": (
        [told(2, 100, 110), told(1, 120, 130)], 2,
        (
            "an increment by 1 was answered 1 (from 20.000 to 30.000 ms), although before that was sent, "
            "another by 1 was answered 2 (from 0.000 to 10.000 ms)"
        ),
    ),
    "a stale value after the one before the last": (
        [told(3, 0, 10), told(2, 0, 100), told(1, 50, 60)], 3,
        (
            "an increment by 1 was answered 1 (from 50.000 to 60.000 ms), although before that was sent, "
            "another by 1 was answered 3 (from 0.000 to 10.000 ms)"
        ),
    ),
    "a stale value on one of two clocks": (
        [told(3, 0, 10, clock="a"), told(1, 500, 510, clock="b"), told(2, 20, 30, clock="a")], 3,
        (
            "an increment by 1 was answered 2 (from 20.000 to 30.000 ms on clock a), although before that "
            "was sent, another by 1 was answered 3 (from 0.000 to 10.000 ms on clock a)"
        ),
    ),
    "a value from nowhere": (
        [told(0, 0, 10)], 1,
        "the counter began at 0, but an increment by 1 was answered 0 (from 0.000 to 10.000 ms)",
    ),
    "an unknown one that began too late": (
        [told(1, 0, 10), told(3, 20, 30), unknown(31)], 3,
        (
            "1 was added unseen between an increment that was answered 1 (from 0.000 to 10.000 ms) and one "
            "by 1 that was answered 3 (from 20.000 to 30.000 ms), and none of 1 of unknown outcome had been "
            "sent in time"
        ),
    ),
    "an unknown one that began after a higher answer": (
        [told(1, 0, 10), told(3, 20, 100), told(4, 20, 30), unknown(50)], 4,
        (
            "1 was added unseen between an increment that was answered 1 (from 0.000 to 10.000 ms) and one "
            "by 1 that was answered 3 (from 20.000 to 100.000 ms), and none of 1 of unknown outcome had "
            "been sent in time"
        ),
    ),
    "an unknown one that would be needed twice": (
        [told(2, 10, 20), told(4, 30, 40), unknown(0)], 4,
        (
            "1 was added unseen between an increment that was answered 2 (from 10.000 to 20.000 ms) and one "
            "by 1 that was answered 4 (from 30.000 to 40.000 ms), and 1 of 1 of unknown outcome had been "
            "sent in time, 1 in sum, of which earlier gaps take 1"
        ),
    ),
    "unknown ones that don't add up": (
        [told(6, 10, 20), unknown(0, by=2), unknown(0, by=4)], 6,
        (
            "5 was added unseen between the initial value 0 and one by 1 that was answered 6 (from 10.000 "
            "to 20.000 ms), and 2 of 2 of unknown outcome had been sent in time, 6 in sum, and no choice "
            "among them adds up"
        ),
    ),
    "less in the end than was told": (
        TWO_IN_A_ROW, 1,
        "1 is left in the end, but an increment by 1 was answered 2 (from 20.000 to 30.000 ms)",
    ),
    "less in the end than in the beginning": (
        [unknown(0)], -1,
        "the counter began at 0, but -1 is left in the end",
    ),
    "more in the end than was told": (
        TWO_IN_A_ROW, 3,
        (
            "1 was added unseen between an increment that was answered 2 (from 20.000 to 30.000 ms) and the "
            "final value 3, and no increment's outcome is unknown"
        ),
    ),
    "a value that nobody added": (
        [], 4,
        (
            "4 was added unseen between the initial value 0 and the final value 4, and no increment's "
            "outcome is unknown"
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("operations", "final", "reason"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_no_counter_answers(operations: list[Operation], final: int, reason: str) -> None:
    """A contradiction is found, and told in words from the increments that are in it."""
    finding = check(History(operations=operations, final=final))

    assert (Answer.NOT_LINEARIZABLE, reason) == (finding.answer, finding.reason)
    assert set(finding.witness) <= set(operations)


def test_the_witness_is_small() -> None:
    """Among many increments the two that contradict each other are named, and none else."""
    first, second = told(50, 500, 505), told(50, 510, 515)
    others = [told(n, 10 * n, 10 * n + 5) for n in range(1, 100) if n not in {50, 51}]

    assert (first, second) == check(History(operations=[*others, first, second], final=99)).witness


@pytest.mark.parametrize("by", [0, -1])
def test_amounts_must_be_positive(by: int) -> None:
    """Where a counter can stand still or go down, a value doesn't tell a place, and no answer is pretended."""
    finding = check(History(operations=[told(1, 0, 10, by=by)], final=1))

    assert Finding(answer=Answer.NOT_CHECKED, reason="amounts must be positive") == finding


def test_a_search_that_takes_too_long() -> None:
    """Odd sums of many different even amounts take too long to rule out, and nothing is claimed then."""
    operations = [told(1002, 10, 20), *(unknown(0, by=by) for by in range(2, 100, 2))]

    finding = check(History(operations=operations, final=1002), budget=1000)

    assert Answer.UNDECIDED == finding.answer
    assert "1000 steps were not enough to assign 49 increments of unknown outcome" == finding.reason


def test_one_amount_needs_no_search() -> None:
    """With equal amounts the assignment takes a step or two a gap, however many are unknown."""
    operations = [
        *(told(2 * n, 10 * n, 10 * n + 5) for n in range(1, 1001)),
        *(unknown(0) for _ in range(1500)),
    ]

    assert Answer.LINEARIZABLE == check(History(operations=operations, final=2000), budget=2000).answer


@given(recorded())
def test_a_counters_own_history_is_linearizable(history: History) -> None:
    """Whatever the interleaving, and whatever became of unknown ones, an atomic counter is never blamed."""
    assert Finding(answer=Answer.LINEARIZABLE) == check(history)


@given(framed(), st.randoms(use_true_random=False))
def test_an_answer_given_twice(history: History, random: Random) -> None:
    """Once two increments are answered the same, no order fits."""
    one, another = random.sample(acknowledged(history), 2)

    finding = check(with_other(history, one, replace(one, value=another.value)))

    assert Answer.NOT_LINEARIZABLE == finding.answer


@given(framed())
def test_answers_exchanged_against_time(history: History) -> None:
    """Once two increments of one amount, one after the other, have each other's answers, no order fits."""
    first, *_, last = sorted(acknowledged(history), key=lambda one: one.value)
    exchanged = with_other(history, first, replace(first, value=last.value))
    exchanged = with_other(exchanged, last, replace(last, value=first.value))

    finding = check(exchanged)

    assert (Answer.NOT_LINEARIZABLE, 2) == (finding.answer, len(finding.witness))


@given(framed(unknowns=False), st.randoms(use_true_random=False))
def test_an_increment_that_is_denied(history: History, random: Random) -> None:
    """Once an applied increment is said not to be, and no other can be in its place, no order fits."""
    denied = random.choice(acknowledged(history))

    finding = check(with_other(history, denied, replace(denied, outcome=Outcome.FAILED)))

    assert Answer.NOT_LINEARIZABLE == finding.answer


@given(recorded(), st.integers(1, 9))
def test_a_wrong_final_value(history: History, distance: int) -> None:
    """Once less is left than was told, or more than can have been added, no order fits."""
    values = [one.value for one in acknowledged(history)]
    added = sum(one.by for one in history.operations if one.outcome is not Outcome.FAILED)
    wrong = [max(values, default=history.initial) - distance, history.initial + added + distance]

    answers = {check(replace(history, final=final)).answer for final in wrong}

    assert {Answer.NOT_LINEARIZABLE} == answers


@st.composite
def mutated(draw: st.DrawFn) -> History:
    """A counter's own short history with one answer, one start or the end changed by a little."""
    history = draw(recorded(most=7))
    assert history.final is not None
    index = draw(st.integers(-1, len(history.operations) - 1))
    by = draw(st.integers(-3, 3))
    if index < 0:
        return replace(history, final=history.final + by)
    operations = list(history.operations)
    one = operations[index]
    time = draw(st.integers(one.start - 20, one.end))
    operations[index] = draw(st.sampled_from((replace(one, value=one.value + by), replace(one, start=time))))
    return replace(history, operations=operations)


@settings(max_examples=500)
@given(recorded(most=7) | mutated() | arbitrary())
def test_the_same_as_trying_every_order(history: History) -> None:
    """On few increments of different amounts the answer is that of the definition, word for word."""
    expected = Answer.LINEARIZABLE if fits_an_order(history) else Answer.NOT_LINEARIZABLE

    assert expected == check(history).answer
