"""What is recorded of a counter: its increments, each with what its caller saw of it.

This module is pure: no Locust, no files, no clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An increment as its caller saw it."""

    outcome: Outcome
    by: int
    start: int
    """When it was about to be sent, in nanoseconds on its clock."""
    end: int
    """When its outcome was settled, likewise. That bounds an acknowledged increment's effect; one of unknown
    outcome may have been applied at any time after its start, or never."""
    value: int = 0
    """What the counter held right after it, as its caller was told; without a meaning unless acknowledged."""
    clock: str = ""
    """Names a clock: times on different ones say nothing about each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All increments of one counter, in no particular order."""

    operations: Sequence[Operation]
    initial: int = 0
    """What it held before the first one was sent."""
    final: int | None = None
    """What it held after the last one had ended, or None if that isn't known."""
    missing: int = 0
    """How many increments were made, too, but not recorded."""
