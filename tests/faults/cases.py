"""What a row runs for: each strategy, with and without keys, alone and in lists."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from tests.strategies import EXACT


@dataclass(frozen=True, slots=True)
class Case:
    """How increments are asked for.

    Attributes:
        strategy: The service's strategy.
        keyed: Whether each has an Idempotency-Key and is replayed until it is answered; the others never are.
        in_lists: Whether several go into one request.
    """

    strategy: str
    keyed: bool
    in_lists: bool = False

    @property
    def shares_writes(self) -> bool:
        """Whether requests that a worker serves at the same time go into one write."""
        return self.strategy == "batched"

    @property
    def writes_alone(self) -> bool:
        """Whether a worker has one write of a counter under way at most, however many requests it serves."""
        return self.shares_writes or (self.strategy == "occ" and not self.in_lists)

    @property
    def name(self) -> str:
        """The strategy as figures name it."""
        return f"{self.strategy} list" if self.in_lists else self.strategy

    def __str__(self) -> str:
        return f"{self.strategy}-{'keyed' if self.keyed else 'keyless'}{'-list' if self.in_lists else ''}"


def every_case(*, naive: bool) -> list[Case]:
    """Return all cases there are, those of ``naive`` only if asked for.

    It takes no keys, and loses updates by design: it runs where one caller alone calls it.
    """
    return [*_cases(EXACT, keyed=True), *_cases(EXACT, keyed=False), *_cases(["naive"] * naive, keyed=False)]


def singles(*, keyed: bool) -> list[Case]:
    """Return the cases of the strategies that lose nothing, one increment a request."""
    return [Case(strategy, keyed) for strategy in EXACT]


def for_each(cases: Iterable[Case], *, short: Iterable[Case] = ()) -> pytest.MarkDecorator:
    """Run a test for each of the cases, as its ``case``: those in ``short`` with every run of the tests."""
    chosen = list(short)
    marks = {case: () if case in chosen else (pytest.mark.long,) for case in cases}
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=str(case), marks=marks[case]) for case in marks]
    )


def _cases(strategies: Sequence[str], *, keyed: bool) -> Iterator[Case]:
    for strategy in strategies:
        for in_lists in (False, True):
            yield Case(strategy, keyed, in_lists)
