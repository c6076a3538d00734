"""The ways to increment a counter, one small module each. A difference of two of them is the lesson."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from service.counters import Increment, Incremented
from service.preconditions import Precondition
from service.retries import Retries
from service.storage.protocol import CounterRepository
from service.strategies import naive, occ, scripted
from service.strategies.lists import TryEach

__all__ = ["STRATEGIES", "Strategy"]


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to increment a counter.

    ``increment`` adds to a counter, ``try_each`` tries once to add to several different ones, and
    ``increment_if`` adds if the caller's precondition holds: None where there is no such promise. ``exactly_once``
    says whether it keeps the promise of an operation.
    """

    increment: Callable[[CounterRepository, Increment, Retries], Incremented]
    try_each: TryEach
    increment_if: Callable[[CounterRepository, Increment, Retries, Precondition], Incremented] | None = None
    exactly_once: bool = True


STRATEGIES: Final[Mapping[str, Strategy]] = MappingProxyType(
    {
        "naive": Strategy(naive.increment, naive.try_each, exactly_once=False),
        "occ": Strategy(occ.increment, occ.try_each, increment_if=occ.increment),
        "scripted": Strategy(scripted.increment, scripted.try_each),
    }
)
