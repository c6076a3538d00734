"""Decides whether a counter's history is linearizable: did it behave as if one increment came after the other?

A history is linearizable if its increments fit a single order in which each answer is the sum up to there,
and in which no increment comes before one that had ended when it was sent (Herlihy and Wing, 1990). An
acknowledged increment has to be in that order, one that was certainly not applied must not, and one of
unknown outcome may be anywhere after its start, or nowhere, as in Jepsen and Knossos.

For any object, deciding that is NP-complete (Gibbons and Korach, 1997), and general checkers (Wing and Gong,
1993; Lowe, 2017; Knossos; Porcupine) search among orders. A counter that only grows is easier, for the same
reason as with Gibbons and Korach a register whose writes are in a known order: each answer tells its place.
With amounts above 0, an acknowledged increment that was answered ``value`` occupies ``(value - by, value]`` of
the counter's axis, and a history is linearizable if and only if

1. these intervals lie above the initial value and up to the final one, and don't overlap;
2. none lies above another that was sent after it had ended;
3. the gaps between them are filled by increments of unknown outcome that were sent in time: see ``gaps.py``.

For *n* increments that takes O(n log n), and for the third point, if amounts differ, a search with a budget.
This module is pure: no Locust, no files, no clock.

Sources: Herlihy, Wing: Linearizability, TOPLAS 12(3), 1990. Wing, Gong: Testing and verifying concurrent
objects, JPDC 17, 1993. Gibbons, Korach: Testing shared memories, SIAM J. Comput. 26(4), 1997. Lowe: Testing
for linearizability, CCPE 29(4), 2017. https://github.com/jepsen-io/knossos,
https://github.com/anishathalye/porcupine.
"""

from dataclasses import dataclass
from enum import StrEnum

from loadtests.gaps import BudgetExceeded, Gap, shortage
from loadtests.operations import History, Operation
from loadtests.outcomes import Outcome
from loadtests.witness import Witness

BUDGET = 1_000_000
"""Steps of the search among increments of different amounts, one or two seconds' worth."""


class Answer(StrEnum):
    """What can be said of a history."""

    LINEARIZABLE = "linearizable"
    NOT_LINEARIZABLE = "not linearizable"
    UNDECIDED = "undecided"
    """It should have been decided, and couldn't be."""
    NOT_CHECKED = "not checked"
    """It isn't of the kind that is decided here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An answer, with its reason."""

    answer: Answer
    reason: str = ""
    """In words, without a full stop; empty if linearizable."""
    witness: tuple[Operation, ...] = ()
    """The increments that ``reason`` speaks of, few enough to look at one by one."""


def check(history: History, *, budget: int = BUDGET) -> Finding:
    """Decide whether a history is linearizable.

    Args:
        history: one counter's.
        budget: after how many steps to give up a search among increments of unknown outcome and different
            amounts. With one amount, no search takes place.
    """
    if any(operation.by <= 0 for operation in history.operations):
        # Downwards, a value no longer tells a place: it can be reached several times.
        return Finding(answer=Answer.NOT_CHECKED, reason="amounts must be positive")
    if history.missing:
        reason = f"{history.missing} increments were made that are not in the history"
        return Finding(answer=Answer.UNDECIDED, reason=reason)
    told = sorted(
        (operation for operation in history.operations if operation.outcome is Outcome.ACKNOWLEDGED),
        key=lambda operation: operation.value,
    )
    witness = Witness(history)
    finding = _off_the_axis(history, told, witness) or _against_time(told, witness)
    return finding or _unaccounted(history, told, witness, budget)


def _off_the_axis(history: History, told: list[Operation], witness: Witness) -> Finding | None:
    """Find an interval that overlaps another, or lies outside of what the counter went through."""
    below = None
    for operation in told:
        if below is None:
            if operation.value - operation.by < history.initial:
                return _contradiction(witness.below_initial(operation), operation)
        elif operation.value - operation.by < below.value:
            return _contradiction(witness.overlap(below, operation), below, operation)
        below = operation
    if history.final is None or history.final >= (history.initial if below is None else below.value):
        return None
    if below is None:
        return _contradiction(witness.below_initial_in_the_end())
    return _contradiction(witness.above_final(below), below)


def _against_time(told: list[Operation], witness: Witness) -> Finding | None:
    """Find an increment that was sent after one had ended that is above it."""
    first_to_end: dict[str, Operation] = {}
    for operation in reversed(told):
        above = first_to_end.setdefault(operation.clock, operation)
        if above.end < operation.start:
            return _contradiction(witness.back_in_time(above, operation), above, operation)
        if operation.end < above.end:
            first_to_end[operation.clock] = operation
    return None


def _unaccounted(history: History, told: list[Operation], witness: Witness, budget: int) -> Finding:
    """Find a gap that no increments of unknown outcome can fill."""
    unknown = [operation for operation in history.operations if operation.outcome is Outcome.UNKNOWN]
    try:
        short = shortage(_gaps(history, told), unknown, budget=budget)
    except BudgetExceeded:
        reason = f"{budget} steps were not enough to assign {len(unknown)} increments of unknown outcome"
        return Finding(answer=Answer.UNDECIDED, reason=reason)
    if short is None:
        return Finding(answer=Answer.LINEARIZABLE)
    neighbours = (operation for operation in (short.gap.after, short.gap.before) if operation is not None)
    return _contradiction(witness.shortage(short), *neighbours)


def _gaps(history: History, told: list[Operation]) -> list[Gap]:
    """List what acknowledged increments don't account for, from the initial value upwards."""
    gaps: list[Gap] = []
    above = None
    first_to_end: dict[str, Operation] = {}
    top = history.final
    for operation in (*reversed(told), None):
        value = history.initial if operation is None else operation.value
        if top is not None and top > value:
            gaps.append(Gap(size=top - value, after=operation, before=above, closers=first_to_end.copy()))
        if operation is not None:
            other = first_to_end.get(operation.clock, operation)
            first_to_end[operation.clock] = min(other, operation, key=lambda one: one.end)
            top = operation.value - operation.by
        above = operation
    gaps.reverse()
    return gaps


def _contradiction(reason: str, *operations: Operation) -> Finding:
    return Finding(answer=Answer.NOT_LINEARIZABLE, reason=reason, witness=operations)
