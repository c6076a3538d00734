"""Whether increments of unknown outcome can account for what nobody acknowledged.

On a counter's axis, acknowledged increments leave gaps. Each has to be filled exactly, by increments that
may have been applied and that had been sent in time; an increment fills one gap, or none if it was never
applied. This module is pure.

Increments of one amount are interchangeable, apart from when they were sent, and whoever was sent in time
for a gap was so for every later one. So the gaps are filled from the left, and all that one has to remember
is how many increments of each amount are used up. With one amount that is one number, and the time is linear.
With several it takes a search over these numbers: at most the product of (1 + how many there are of it) over
all amounts, for each gap. That is polynomial for a fixed number of amounts, and exponential in general: even
one gap to fill is the subset-sum problem, by which Athalye shows that checking a counter is NP-complete
(https://anishathalye.com/testing-distributed-systems-for-linearizability/). Hence the budget.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.operations import Operation


class BudgetExceeded(Exception):
    """The search was given up: nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What was added between two neighbouring acknowledged increments, or beside the first or last one."""

    size: int
    after: Operation | None
    """The acknowledged increment below it; None at the counter's initial value."""
    before: Operation | None
    """The acknowledged increment above it; None at the counter's final value."""
    closers: Mapping[str, Operation]
    """By clock, the first to end of all acknowledged increments above it. What was sent later comes later."""

    def admits(self, operation: Operation) -> bool:
        """Tell whether an increment of unknown outcome was sent in time to be in this gap."""
        closer = self.closers.get(operation.clock)
        return closer is None or operation.start <= closer.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A gap that can't be filled, however those before it are."""

    gap: Gap
    arrived: int
    """How many increments of unknown outcome had been sent in time."""
    arrived_amount: int
    """Their sum."""
    needed_before: int
    """How much of that sum the gaps before it take."""


def shortage(gaps: Sequence[Gap], unknown: Sequence[Operation], *, budget: int) -> Shortage | None:
    """Find the first gap that can't be filled, or None if all can.

    Args:
        gaps: from the counter's initial value upwards.
        unknown: the increments that may have been applied, with positive amounts.
        budget: how many steps the search may take.

    Raises:
        BudgetExceeded: if that wasn't enough.
    """
    amounts = sorted({operation.by for operation in unknown}, reverse=True)
    waiting = {clock: deque[Operation]() for clock in {operation.clock for operation in unknown}}
    for operation in sorted(unknown, key=lambda operation: operation.start):
        waiting[operation.clock].append(operation)
    arrived = Counter[int]()
    filled = 0
    used = {(0,) * len(amounts)}
    """All the ways to fill the gaps so far, as numbers of increments of each amount."""
    for gap in gaps:
        for queue in waiting.values():
            while queue and gap.admits(queue[0]):
                arrived[queue.popleft().by] += 1
        reached: set[tuple[int, ...]] = set()
        for counts in used:
            free = [arrived[amount] - count for amount, count in zip(amounts, counts, strict=True)]
            fillings, steps = _fillings(gap.size, amounts, free, budget)
            budget -= steps
            reached.update(tuple(map(sum, zip(counts, filling, strict=True))) for filling in fillings)
        if not reached:
            total = sum(amount * count for amount, count in arrived.items())
            return Shortage(gap=gap, arrived=arrived.total(), arrived_amount=total, needed_before=filled)
        used = reached
        filled += gap.size
    return None


def _fillings(
    size: int, amounts: Sequence[int], free: Sequence[int], budget: int
) -> tuple[list[tuple[int, ...]], int]:
    """List the numbers of free increments of each amount that add up to a size, and the steps that it took."""
    reserve = sum(amount * number for amount, number in zip(amounts, free, strict=True))
    partial: list[tuple[tuple[int, ...], int]] = [((), size)]
    steps = 1
    for amount, number in zip(amounts, free, strict=True):
        reserve -= amount * number
        longer = []
        for counts, left in partial:
            # The amounts that follow add up to `reserve` at most: what they can't cover has to be covered now.
            fewest = max(0, -((reserve - left) // amount))
            for count in range(fewest, min(number, left // amount) + 1):
                longer.append(((*counts, count), left - count * amount))
                steps += 1
                if steps > budget:
                    raise BudgetExceeded
        partial = longer
    return [counts for counts, left in partial if left == 0], steps
