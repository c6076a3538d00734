"""The ways to increment a counter, one small module each. A difference of two of them is the lesson."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Generic

from service.counters import Increment, Incremented
from service.preconditions import Precondition
from service.retries import Retries
from service.storage.protocol import CounterRepository
from service.strategies import batched, naive, occ, scripted
from service.strategies.group_commit import GroupCommit
from service.strategies.lists import S, Split, TryEach, parts, rounds
from service.strategies.turns import Turns

__all__ = ["STRATEGIES", "Strategy"]


def _itself(repository: CounterRepository) -> CounterRepository:
    return repository


@dataclass(frozen=True, slots=True)
class Strategy(Generic[S]):
    """A way to increment a counter.

    ``increment`` adds to a counter, ``try_each`` tries once to do so for those items of a list that ``split`` puts
    together, and ``increment_if`` adds if the caller's precondition holds: None where there is no such promise.
    ``exactly_once`` says whether it keeps the promise of an operation, ``shares_writes`` whether increments of several
    callers may go into one write. All of them are called with what ``storage`` makes, once a process, of where the
    counters are kept.
    """

    storage: Callable[[CounterRepository], S]
    increment: Callable[[S, Increment, Retries], Incremented]
    try_each: TryEach[S]
    split: Split
    increment_if: Callable[[S, Increment, Retries, Precondition], Incremented] | None = None
    exactly_once: bool = True
    shares_writes: bool = False


STRATEGIES: Final[Mapping[str, Strategy[Any]]] = MappingProxyType(
    {
        "naive": Strategy(_itself, naive.increment, naive.try_each, rounds, exactly_once=False),
        "occ": Strategy(Turns, occ.increment, occ.try_each, rounds, increment_if=occ.increment_if),
        "scripted": Strategy(_itself, scripted.increment, scripted.try_each, parts),
        "batched": Strategy(GroupCommit, batched.increment, scripted.try_each, parts, shares_writes=True),
    }
)
