"""What a process remembers of each increment, and how that reaches the master.

An increment takes 32 bytes, in each process that has it: four whole numbers in an array, not an object. They
travel with Locust's reports, the new ones each time. This module is pure.
"""

from array import array
from collections.abc import Iterator

from loadtests.operations import Operation
from loadtests.outcomes import Answer, Outcome

LONGEST = 250_000
"""Increments of a strategy up to which a run records its history: 8 MB, and a second's check in the end."""

OUTCOMES = tuple(Outcome)
COLUMNS = 4
"""Outcome, start, end, value."""


class Recording:
    """One process's increments of one strategy, in the order in which their outcomes were settled."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._sent = 0

    def record(self, answer: Answer, *, start: int, end: int) -> None:
        """Remember an increment whose outcome is settled.

        Args:
            answer: what became of it.
            start: when it was about to be sent, in nanoseconds on this process's clock.
            end: when its outcome was settled, likewise.
        """
        self._numbers.extend((OUTCOMES.index(answer.outcome), start, end, answer.value))

    def unsent(self) -> tuple[int, bytes]:
        """Take what has not been taken before, and how many numbers came before that."""
        first, self._sent = self._sent, len(self._numbers)
        return first, self._numbers[first:].tobytes()

    def receive(self, first: int, numbers: bytes) -> None:
        """Add what another process's recording gave as unsent.

        If something before that never arrived, it is dropped: what is missing has to be seen to be missing.
        """
        if first == len(self._numbers):
            self._numbers.frombytes(numbers)

    def operations(self, *, by: int, clock: str) -> Iterator[Operation]:
        """What was recorded.

        Args:
            by: what each of the increments added.
            clock: the name of the clock of the process that recorded them.
        """
        numbers = iter(self._numbers)
        for outcome, start, end, value in zip(*[numbers] * COLUMNS, strict=True):
            yield Operation(outcome=OUTCOMES[outcome], by=by, start=start, end=end, value=value, clock=clock)
