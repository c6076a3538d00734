"""What callers asked for and were told, counted while they run."""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Final

from loadtests.outcomes import Outcome

SECONDS: Final = 120.0
"""How long the tests wait for something that callers bring about."""

Wait = Callable[[], None]
"""Waits for something that callers bring about, counted from the moment at which the wait was made."""


class Tally:
    """The counts of many callers; they mean what `tests.faults.figures.Figures` says.

    Attributes:
        values: The value that each increment was answered, by counter.
        contradictions: Replays that were answered otherwise than before.
        failed: Requests whose first answer was no success, or not for all that they asked for.
        silences: Requests that were never answered: broken off, or longer than callers wait.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.requested = 0
        self.failed = 0
        self.firsts = dict.fromkeys(Outcome, 0)
        self.resolved = 0
        self.silences = 0
        self.contradictions: list[str] = []
        self.values: dict[str, list[int]] = defaultdict(list)

    @property
    def acknowledged(self) -> int:
        """How many increments were acknowledged at the first try."""
        return self.firsts[Outcome.ACKNOWLEDGED]

    def ask(self, count: int) -> None:
        """Note that increments are being asked for."""
        with self._changed:
            self.requested += count

    def answer(self, firsts: Collection[Outcome]) -> None:
        """Note what the first answer to a request said of each of its increments."""
        with self._changed:
            for first in firsts:
                self.firsts[first] += 1
            self.failed += any(first is not Outcome.ACKNOWLEDGED for first in firsts)
            self._changed.notify_all()

    def settle(self, counter_id: str, first: Outcome, value: int) -> None:
        """Note the value that an increment was answered in the end, and what its first answer had said."""
        with self._changed:
            self.values[counter_id].append(value)
            self.resolved += first is not Outcome.ACKNOWLEDGED
            self._changed.notify_all()

    def fall_silent(self) -> None:
        """Note that a request was not answered."""
        with self._changed:
            self.silences += 1
            self._changed.notify_all()

    def contradict(self, what: str) -> None:
        """Note that a replay was answered otherwise than before."""
        with self._changed:
            self.contradictions.append(what)

    def wait_until(self, condition: Callable[["Tally"], bool]) -> None:
        """Wait until callers have brought something about.

        Raises:
            TimeoutError: They have not, within two minutes.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), SECONDS):
                raise TimeoutError("The callers did not get that far.")

    def successes(self, count: int) -> Wait:
        """Return what waits for so many more increments than now to have succeeded, at once or by a replay."""
        goal = self.succeeded + count
        return lambda: self.wait_until(lambda _: self.succeeded >= goal)

    def failures(self, count: int) -> Wait:
        """Return what waits for so many more requests than now to have got a first answer that is no success."""
        goal = self.failed + count
        return lambda: self.wait_until(lambda _: self.failed >= goal)

    @property
    def succeeded(self) -> int:
        """How many increments have succeeded, at once or by a replay."""
        return sum(map(len, self.values.values()))
