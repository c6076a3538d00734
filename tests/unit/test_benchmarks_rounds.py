"""What the calls of a round come to, and what several rounds have in common."""

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.rounds import ALL_SECONDS, SECONDS, Figures, figures_of, measured

BEGIN = ALL_SECONDS - SECONDS
"""When the part of a round that counts begins, if the round does at 0."""


def calls(count: int, *, each: float) -> list[tuple[float, float]]:
    """Return when calls began and ended that followed each other from there on, each of so many seconds."""
    return [(BEGIN + number * each, BEGIN + (number + 1) * each) for number in range(count)]


def test_calls_that_end_in_a_round_are_its_rate() -> None:
    """Ten a second, and a conflict in every other one."""
    figures = figures_of(calls(int(SECONDS * 10), each=0.1), start=0.0, conflicts=15)

    assert figures.rate == pytest.approx(10, rel=0.05)
    assert figures.conflicts == 0.5
    assert (0.1, 0.1) == pytest.approx((figures.p50, figures.p99))


def test_a_call_that_is_under_way_at_the_end_counts_for_its_whole_time() -> None:
    """The slowest are."""
    slow = (ALL_SECONDS - 0.1, ALL_SECONDS + 9.9)

    figures = figures_of([*calls(10, each=0.1), slow], start=0.0, conflicts=0)

    assert figures.p99 > 8
    assert figures.rate == pytest.approx(10 / SECONDS)


def test_what_came_before_does_not_count() -> None:
    """A third of what does is for warming up."""
    early = [(0.0, BEGIN / 2)] * 100

    assert figures_of([*early, *calls(10, each=0.1)], start=0.0, conflicts=0).p50 == pytest.approx(0.1)


def test_of_too_few_calls_nothing_is_said() -> None:
    """How many failed is."""
    with pytest.raises(BenchmarkError, match="Of 8 calls only 1 succeeded"):
        figures_of(calls(1, each=0.1), start=0.0, conflicts=0, failed=7)


def test_the_first_round_does_not_count() -> None:
    """Of the others each figure is the median, and failures are added up."""
    rates = iter((1.0, 50.0, 30.0, 40.0))

    found = measured(["a"], lambda _: Figures(next(rates), 0.0, 1.0, 2.0, failed=1), name="Test")

    assert {"a": Figures(40.0, 0.0, 1.0, 2.0, failed=3)} == found
