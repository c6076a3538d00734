"""What contradicts an order of increments, in words: which of them, what they were told, and when.

This module is pure: no Locust, no files, no clock.
"""

from loadtests.gaps import Shortage
from loadtests.operations import History, Operation
from loadtests.outcomes import Outcome

NANOSECONDS = 1e6
"""In a millisecond."""


class Witness:
    """Words for the increments of one history; each was under way from and to so many ms after its first sending."""

    def __init__(self, history: History) -> None:
        """Take note of when the history began, on each of its clocks."""
        self._history = history
        self._origins: dict[str, int] = {}
        for operation in history.operations:
            origin = self._origins.get(operation.clock, operation.start)
            self._origins[operation.clock] = min(origin, operation.start)

    def below_initial(self, operation: Operation) -> str:
        """Say that an answer is too low for where the counter began."""
        return f"the counter began at {self._history.initial}, but {self._told('an increment', operation)}"

    def below_initial_in_the_end(self) -> str:
        """Say that less is left in the end than there was in the beginning."""
        return f"the counter began at {self._history.initial}, but {self._history.final} is left in the end"

    def above_final(self, operation: Operation) -> str:
        """Say that an answer is higher than what is left in the end."""
        return f"{self._history.final} is left in the end, but {self._told('an increment', operation)}"

    def overlap(self, below: Operation, above: Operation) -> str:
        """Say that two increments count the same."""
        if below.value == above.value:
            one, another = (f"one by {each.by} {self._when(each)}" for each in (below, above))
            return f"two increments were answered {above.value}: {one}, and {another}"
        start = above.value - above.by
        return f"{self._told('an increment', above)}: it began at {start}, although {self._told('another', below)}"

    def back_in_time(self, earlier: Operation, later: Operation) -> str:
        """Say that an increment was told of less than one that had ended when it was sent."""
        return f"{self._told('an increment', later)}, although before that was sent, {self._told('another', earlier)}"

    def shortage(self, short: Shortage) -> str:
        """Say what nobody can have added."""
        gap = short.gap
        low, high = f"the initial value {self._history.initial}", f"the final value {self._history.final}"
        if gap.after is not None:
            low = f"an increment that was answered {gap.after.value} {self._when(gap.after)}"
        if gap.before is not None:
            high = f"one by {gap.before.by} that was answered {gap.before.value} {self._when(gap.before)}"
        return f"{gap.size} was added unseen between {low} and {high}, and {self._supply(short)}"

    def _supply(self, short: Shortage) -> str:
        """Say which increments of unknown outcome there are, and why they don't suffice."""
        outcomes = [operation.outcome for operation in self._history.operations]
        unknown, failed = outcomes.count(Outcome.UNKNOWN), outcomes.count(Outcome.FAILED)
        words = "no increment's outcome is unknown"
        if unknown:
            words = f"{short.arrived or 'none'} of {unknown} of unknown outcome had been sent in time"
        if short.arrived:
            words += f", {short.arrived_amount} in sum"
        if short.needed_before:
            words += f", of which earlier gaps take {short.needed_before}"
        if short.arrived_amount - short.needed_before >= short.gap.size:
            words += ", and no choice among them adds up"
        return f"{words} ({failed} answered as not applied)" if failed else words

    def _told(self, subject: str, operation: Operation) -> str:
        return f"{subject} by {operation.by} was answered {operation.value} {self._when(operation)}"

    def _when(self, operation: Operation) -> str:
        origin = self._origins[operation.clock]
        start, end = ((time - origin) / NANOSECONDS for time in (operation.start, operation.end))
        clock = f" on clock {operation.clock}" if len(self._origins) > 1 else ""
        return f"(from {start:.3f} to {end:.3f} ms{clock})"
