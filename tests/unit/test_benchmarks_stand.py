"""What comes before a measurement, and what was lost and doubled, of what was answered and what is stored."""

from dataclasses import replace
from typing import cast

import pytest

from benchmarks.figures import Cell
from benchmarks.load import Answer, Dose, Load, Outcome
from benchmarks.stand import SECONDS_IN_TURN, Stand, difference, prepare
from benchmarks.targets import BARE, RAW, Target


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
    assert (lost, doubled) == difference(load(10, 3, 2), [gained])


def test_what_one_counter_has_lost_another_does_not_make_up_for() -> None:
    """An increment that was added to the wrong counter is both lost and doubled, and the sum is right."""
    answers = [Answer(0, 0, 1, 200, Outcome.ACKNOWLEDGED, counter=number) for number in (0, 0, 1, 1)]

    assert (1, 1) == difference(Load(answers, 0.0), [1, 3])


def test_what_nobody_knows_the_counter_of_may_be_in_any() -> None:
    """As a request that was given up: it may have been applied, and once."""
    acknowledged = [Answer(0, 0, 1, 200, Outcome.ACKNOWLEDGED, counter=number) for number in (0, 1)]
    given_up = Answer(0, 0, 1, 0, Outcome.UNKNOWN, counter=None)

    assert (0, 0) == difference(Load([*acknowledged, given_up], 0.0), [1, 2])
    assert (0, 1) == difference(Load([*acknowledged, given_up], 0.0), [2, 2])


def test_without_a_store_nothing_is_said() -> None:
    """As of the bare route."""
    assert (None, None) == difference(load(10, 0, 0), None)


class Ready:
    """A test stand that keeps who got load, and for how long."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int, float]] = []

    def put_load_on(self, target: Target, cell: Cell, dose: Dose) -> Load:
        """Put load on a target, in a closed loop."""
        assert (0.0, 0.0) == (cell.share, dose.rate)
        self.done.append((target.name, cell.connections, dose.seconds))
        return Load([], 0.0)


@pytest.mark.parametrize(
    ("seconds", "rounds", "each"),
    [
        (12 * SECONDS_IN_TURN, 6, SECONDS_IN_TURN),
        (4.5 * SECONDS_IN_TURN, 2, 1.125 * SECONDS_IN_TURN),
        (0.5, 1, 0.25),
    ],
    ids=["again and again", "in whole rounds", "however short"],
)
def test_elasticsearch_is_prepared_in_turn(seconds: float, rounds: int, each: float) -> None:
    """By the targets that it is behind, in closed loops; of circumstances that differ in their rate, once."""
    ready = Ready()
    crowd = Cell(workers=1, connections=64, counters=1)
    at_half = replace(crowd, share=0.5)
    lone = replace(crowd, connections=1)

    prepare(
        cast(Stand, ready),
        [(BARE, crowd), (RAW, crowd), (RAW, at_half), (RAW, lone)],
        seconds=seconds,
    )

    assert [("raw", 64, each), ("raw", 1, each)] * rounds == ready.done


def test_without_elasticsearch_there_is_nothing_to_prepare() -> None:
    """No time is spent on it."""
    ready = Ready()

    prepare(cast(Stand, ready), [(BARE, Cell(workers=1, connections=1, counters=1))], seconds=9.0)

    assert [] == ready.done
