"""What a counter may be, given all that was asked of it and answered: the model that the stateful test checks against.

After an increment of unknown outcome two worlds are possible, one with it and one without. Each answer rules out the
worlds in which it would have been another one; if none is left, the service has contradicted itself. The rules are
those of the contract, written down once more and independently of the service.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

REMEMBERED: Final = 4
"""How many operations a counter remembers: few, so that keys are forgotten in short histories."""


class Problem(Enum):
    """Answers that hold no value."""

    ABSENT = auto()
    REUSED = auto()
    EXPIRED = auto()


class Untold(Enum):
    """Answers that do not say how the counter is."""

    NOT_APPLIED = auto()
    UNKNOWN = auto()


Said = int | None | Problem
"""What the service says in a world: a value, that there was none, or a problem."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An increment. ``key`` is empty without one; ``request`` stands for all that may not change under a key."""

    by: int
    key: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """A counter as it may be. ``value`` is None if there is none; ``log`` holds key, value, request, oldest first."""

    value: int | None = None
    log: tuple[tuple[str, int, str], ...] = ()
    floor: str = ""

    def knows(self, key: str) -> bool:
        """Say whether an operation has been applied and is remembered."""
        return any(key == entry[0] for entry in self.log)

    def incremented(self, asked: Asked) -> "tuple[Said, World]":
        """Return what an increment is answered, and the world after it."""
        for key, value, request in self.log if asked.key else ():
            if key == asked.key:
                return (value if request == asked.request else Problem.REUSED), self
        value = (self.value or 0) + asked.by
        if not asked.key:
            return value, replace(self, value=value)
        log = sorted([*self.log, (asked.key, value, asked.request)])
        forgotten, kept = log[:-REMEMBERED], log[-REMEMBERED:]
        if asked.key <= max([self.floor, *(entry[0] for entry in forgotten)]):
            return Problem.EXPIRED, self
        return value, World(value, tuple(kept), max([self.floor, *(entry[0] for entry in forgotten)]))

    def set_to(self, value: int) -> "tuple[Said, World]":
        """Return the value that was there before, None if there was none, and the world after it is set."""
        return self.value, replace(self, value=value)

    def deleted(self) -> "tuple[Said, World]":
        """Return what a deletion is answered, None if it succeeds, and the world after it, which keeps the log."""
        return (Problem.ABSENT if self.value is None else None), replace(self, value=None)

    def read(self) -> "tuple[Said, World]":
        """Return what is read, and the same world."""
        return (Problem.ABSENT if self.value is None else self.value), self


Step = Callable[[World], tuple[Said, World]]
"""What happens to a counter: what is answered in a world, and the world after it."""


class Worlds:
    """All that a counter may be by now."""

    def __init__(self) -> None:
        self.possible = {World()}

    def observe(self, step: Step, said: Said | Untold) -> None:
        """Take note of what was asked and answered.

        Raises:
            AssertionError: The answer fits no possible world.
        """
        match said:
            case Untold.NOT_APPLIED:
                return
            case Untold.UNKNOWN:
                self.possible |= {step(world)[1] for world in self.possible}
            case _:
                steps = [step(world) for world in self.possible]
                fitting = {after for answer, after in steps if answer == said}
                assert fitting, f"{said} was answered where it can only be {[answer for answer, _ in steps]}"
                self.possible = fitting
