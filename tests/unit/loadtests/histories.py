"""Histories of a counter: written down, recorded from a simulated counter, and decided by trying every order."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from loadtests.operations import History, Operation
from loadtests.outcomes import Outcome

MILLISECOND = 1_000_000


def told(value: int, start: int, end: int, *, by: int = 1, clock: str = "") -> Operation:
    """An increment that was sent and answered at these milliseconds."""
    return Operation(
        outcome=Outcome.ACKNOWLEDGED, by=by, value=value, clock=clock,
        start=start * MILLISECOND, end=end * MILLISECOND,
    )  # fmt: skip


def unknown(start: int, gave_up: int | None = None, *, by: int = 1, clock: str = "") -> Operation:
    """An increment whose caller gave up, at once unless said otherwise, and never learned what became of it."""
    end = start if gave_up is None else gave_up
    return Operation(
        outcome=Outcome.UNKNOWN, by=by, clock=clock, start=start * MILLISECOND, end=end * MILLISECOND
    )


def refused(start: int, end: int, *, by: int = 1) -> Operation:
    """An increment that was answered as not applied."""
    return Operation(outcome=Outcome.FAILED, by=by, start=start * MILLISECOND, end=end * MILLISECOND)


@st.composite
def recorded(draw: st.DrawFn, *, most: int = 20, unknowns: bool = True) -> History:
    """What callers of an atomic counter on one or two machines may have seen, in any interleaving.

    Each increment takes effect at a moment between its start and its end, or, if its caller lost patience,
    at any moment after its start, or never.
    """
    offsets = {"here": 0, "there": draw(st.integers(-1000, 1000))}
    outcomes = [Outcome.ACKNOWLEDGED, Outcome.FAILED, *([Outcome.UNKNOWN] * 2 if unknowns else [])]
    times = st.integers(0, 60)
    drafts: list[tuple[int | None, Operation]] = []
    for _ in range(draw(st.integers(1, most))):
        start, moment, end = sorted(draw(st.tuples(times, times, times)))
        clock = draw(st.sampled_from(sorted(offsets)))
        outcome = draw(st.sampled_from(outcomes))
        if outcome is Outcome.UNKNOWN:
            moment, end = end, moment  # its caller may have given up long before
        effective = outcome is Outcome.ACKNOWLEDGED or (outcome is Outcome.UNKNOWN and draw(st.booleans()))
        operation = Operation(
            outcome=outcome, by=draw(st.integers(1, 3)), clock=clock,
            start=start + offsets[clock], end=end + offsets[clock],
        )  # fmt: skip
        drafts.append((moment if effective else None, operation))
    initial = value = draw(st.integers(-5, 5))
    operations = [operation for moment, operation in drafts if moment is None]
    for _, operation in sorted(
        ((moment, operation) for moment, operation in drafts if moment is not None), key=lambda pair: pair[0]
    ):
        value += operation.by
        operations.append(with_value(operation, value))
    return History(operations=draw(st.permutations(operations)), initial=initial, final=value)


@st.composite
def framed(draw: st.DrawFn, *, unknowns: bool = True) -> History:
    """The same between two increments by 1, of which one ended before all others, and one began after them."""
    between = draw(recorded(unknowns=unknowns))
    assert between.final is not None
    first = told(between.initial, -2000, -1900, clock="here")
    last = told(between.final + 1, 2000, 2100, clock="here")
    return History(
        operations=[first, *between.operations, last], initial=between.initial - 1, final=between.final + 1
    )


@st.composite
def arbitrary(draw: st.DrawFn, *, most: int = 7) -> History:
    """Any few increments with any answers: hardly ever what a counter does."""
    times = st.integers(0, 8)
    operations = []
    for _ in range(draw(st.integers(0, most))):
        start, end = sorted(draw(st.tuples(times, times)))
        operation = Operation(
            outcome=draw(st.sampled_from(Outcome)), by=draw(st.integers(1, 3)), start=start, end=end,
            clock=draw(st.sampled_from(("here", "there"))),
        )  # fmt: skip
        operations.append(with_value(operation, draw(st.integers(0, 9))))
    final = draw(st.none() | st.integers(-1, 12))
    return History(operations=operations, initial=draw(st.integers(0, 1)), final=final)


def with_value(operation: Operation, value: int) -> Operation:
    """The same increment, answered with a value if it was acknowledged."""
    return replace(operation, value=value) if operation.outcome is Outcome.ACKNOWLEDGED else operation


def acknowledged(history: History) -> list[Operation]:
    """Those increments of a history that were answered with a value."""
    return [one for one in history.operations if one.outcome is Outcome.ACKNOWLEDGED]


def with_other(history: History, one: Operation, other: Operation) -> History:
    """The same history with another increment in the place of one."""
    return replace(history, operations=[other if it is one else it for it in history.operations])


def fits_an_order(history: History) -> bool:
    """Try every order, the definition word for word (Wing and Gong, 1993): exponential, for few increments."""
    unsettled = [one for one in history.operations if one.outcome is not Outcome.FAILED]
    return _can_go_on(unsettled, history.initial, history.final)


def _can_go_on(left: Sequence[Operation], value: int, final: int | None) -> bool:
    told_of = [operation for operation in left if operation.outcome is Outcome.ACKNOWLEDGED]
    if not told_of and final in {None, value}:
        return True
    for index, operation in enumerate(left):
        if any(one.clock == operation.clock and one.end < operation.start for one in told_of):
            continue  # that one has to come first
        then = value + operation.by
        if operation.outcome is Outcome.ACKNOWLEDGED and operation.value != then:
            continue
        if _can_go_on([*left[:index], *left[index + 1 :]], then, final):
            return True
    return False
