"""What was lost and doubled, of what was answered and what is stored."""

import pytest

from benchmarks.load import Answer, Load, Outcome
from benchmarks.stand import difference


def load(acknowledged: int, refused: int, unknown: int) -> Load:
    """Return so many answers of each kind."""
    outcomes = [
        *[Outcome.ACKNOWLEDGED] * acknowledged,
        *[Outcome.REFUSED] * refused,
        *[Outcome.UNKNOWN] * unknown,
    ]
    return Load([Answer(0, 0, 1, 200, outcome) for outcome in outcomes], 0.0)


@pytest.mark.parametrize(
    ("gained", "lost", "doubled"),
    [(9, 1, 0), (10, 0, 0), (12, 0, 0), (13, 0, 1)],
    ids=["one lost", "no more than acknowledged", "all unknown ones applied", "one more than can be"],
)
def test_what_is_acknowledged_is_there_and_what_is_unknown_may_be(
    gained: int, lost: int, doubled: int
) -> None:
    """What was refused is not: if it is, something has counted twice."""
    assert (lost, doubled) == difference(load(10, 3, 2), gained)


def test_without_a_store_nothing_is_said() -> None:
    """As of the bare route."""
    assert (None, None) == difference(load(10, 0, 0), None)
