"""What may be tried again, and what is true of all tries together."""

import pytest

from service.counters import Increment
from service.errors import (
    ConflictsNotResolved,
    CounterError,
    CounterOverflow,
    IdempotencyKeyExpired,
    Outcome,
    OutOfTime,
    StorageRefused,
    StorageUnavailable,
)
from service.operations import Operation
from service.strategies.trial import Trial

PLAIN = Increment("c")
OPERATION = Increment("c", 1, Operation("0190163d8694739baea5966c26f8ad91", "f"))
UNKNOWN = StorageUnavailable("lost", Outcome.UNKNOWN)
NOT_APPLIED = StorageUnavailable("busy", Outcome.NOT_APPLIED)
REFUSED = StorageRefused("no")
OVERFLOW = CounterOverflow("c")
EXPIRED = IdempotencyKeyExpired()


@pytest.mark.parametrize("error", [UNKNOWN, NOT_APPLIED, REFUSED, OVERFLOW])
def test_without_a_key_nothing_is_repeated(error: CounterError) -> None:
    """Whatever failed is told as it is."""
    with pytest.raises(type(error)) as caught:
        Trial(PLAIN).repeat_or_raise(error)

    assert error is caught.value


@pytest.mark.parametrize("error", [NOT_APPLIED, REFUSED, OVERFLOW])
def test_what_was_not_applied_is_not_repeated(error: CounterError) -> None:
    """A key does not help against a refusal, and an overload is not made worse."""
    with pytest.raises(type(error)) as caught:
        Trial(OPERATION).repeat_or_raise(error)

    assert error is caught.value


@pytest.mark.parametrize("later", [REFUSED, OVERFLOW, EXPIRED])
def test_no_refusal_undoes_what_may_have_been_done(later: CounterError) -> None:
    """After a try of unknown outcome a refusal of the next one leaves the increment unknown.

    An expired key is one: what the first try may have added, others have had forgotten since.
    """
    trial = Trial(OPERATION)
    trial.repeat_or_raise(UNKNOWN)

    with pytest.raises(StorageUnavailable) as caught:
        trial.repeat_or_raise(later)

    assert UNKNOWN is caught.value


@pytest.mark.parametrize("later", [NOT_APPLIED, REFUSED, OutOfTime(), EXPIRED])
def test_a_conflict_of_an_operation_may_be_with_itself(later: CounterError) -> None:
    """What does not say that the operation is new does not settle whether the stale try was the second of two.

    Nor is it tried again: Elasticsearch may be overloaded.
    """
    trial = Trial(OPERATION)
    trial.conflict()

    with pytest.raises(StorageUnavailable) as caught:
        trial.repeat_or_raise(later)

    assert Outcome.UNKNOWN is caught.value.outcome


def test_a_counter_that_does_not_know_the_operation_settles_a_conflict() -> None:
    """What was refused after that has changed nothing, and is told as it is."""
    trial = Trial(OPERATION)
    trial.conflict()
    trial.found_new()

    with pytest.raises(StorageRefused) as caught:
        trial.repeat_or_raise(REFUSED)

    assert REFUSED is caught.value


def test_a_look_at_the_counter_settles_a_conflict() -> None:
    """Who finds that the counter would overflow has not found the operation there."""
    trial = Trial(OPERATION)
    trial.conflict()

    with pytest.raises(CounterOverflow) as caught:
        trial.repeat_or_raise(OVERFLOW)

    assert OVERFLOW is caught.value


@pytest.mark.parametrize(("asked", "outcome"), [(PLAIN, Outcome.NOT_APPLIED), (OPERATION, Outcome.UNKNOWN)])
def test_conflicts_to_the_end(asked: Increment, outcome: Outcome) -> None:
    """Without a key they are other writers; with one, the last may have been the increment itself."""
    trial = Trial(asked)
    trial.conflict()
    failure = trial.failure(1)

    assert isinstance(failure, ConflictsNotResolved)
    assert outcome is failure.outcome


@pytest.mark.parametrize(
    ("met", "expected"),
    [
        ([], ConflictsNotResolved),
        ([UNKNOWN], UNKNOWN),
        ([UNKNOWN, NOT_APPLIED], UNKNOWN),
    ],
)
def test_used_up_tries_end_in_the_worst_that_was_met(
    met: list[CounterError], expected: CounterError | type[CounterError]
) -> None:
    """What may have been applied is unknown, whatever else there was; conflicts alone are conflicts."""
    trial = Trial(OPERATION)
    for error in met:
        trial.repeat_or_raise(error)

    failure = trial.failure(3)

    assert expected in (failure, type(failure))
