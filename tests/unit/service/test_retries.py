"""How often and how soon a conflict is tried again. Time is simulated."""

import itertools
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service import deadlines
from service.retries import LEAST, Retries
from service.settings import Settings


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.slept.append(seconds)
        self.now += seconds


def retries(clock: Clock, *, max_attempts: int = 6, jitter: float = 1.0, time: float = math.inf) -> Retries:
    """Return retries on a simulated clock, with a jitter that always draws the same, for ``time`` seconds."""
    return Retries(max_attempts, 0.01, 0.05, clock.sleep, lambda: jitter, lambda: time - clock.now)


def test_the_first_attempt_waits_for_nothing() -> None:
    """Who meets nobody loses no time."""
    clock = Clock()

    assert 1 == next(retries(clock).attempts())
    assert [] == clock.slept


def test_waits_double_up_to_the_cap() -> None:
    """The bound of the waits grows with each attempt, and no further than the cap."""
    clock = Clock()

    assert [1, 2, 3, 4, 5, 6] == list(retries(clock).attempts())
    assert [0.01, 0.02, 0.04, 0.05, 0.05] == clock.slept


def test_the_jitter_is_full() -> None:
    """A wait may be anything from nothing to its bound."""
    clock = Clock()

    list(retries(clock, jitter=0.0).attempts())

    assert [0.0] * 5 == clock.slept


def test_time_runs_out_before_the_attempts_do() -> None:
    """No attempt begins that could not end in time, and none is waited for in vain."""
    clock = Clock()

    assert [1, 2, 3] == list(retries(clock, time=0.03 + LEAST).attempts())
    assert [0.01, 0.02] == clock.slept


def test_without_time_there_is_one_attempt() -> None:
    """The first attempt is owed to every caller."""
    assert [1] == list(retries(Clock(), time=0.0).attempts())


def test_the_request_at_hand_is_asked_for() -> None:
    """Who says nothing else is bound to the deadline of the thread it runs in."""
    bound = Retries(6, 0.01, 0.05, Clock().sleep)

    with deadlines.within(0):
        late = (bound.in_time(), list(bound.attempts()))

    assert (False, [1]) == late
    assert [1, 2, 3, 4, 5, 6] == list(bound.attempts())


@given(
    jitter=st.lists(st.floats(0, 1, exclude_max=True), min_size=40, max_size=40),
    time=st.floats(0, 2),
    max_attempts=st.integers(1, 40),
)
def test_bounds_always_hold(jitter: list[float], time: float, max_attempts: int) -> None:
    """Whatever is drawn, attempts count up from 1, and neither their number nor the time exceeds its bound."""
    clock, draws = Clock(), iter(jitter)
    bounded = Retries(max_attempts, 0.01, 0.05, clock.sleep, lambda: next(draws), lambda: time - clock.now)

    attempts = list(bounded.attempts())

    assert list(itertools.islice(itertools.count(1), len(attempts))) == attempts
    assert 1 <= len(attempts) <= max_attempts
    assert clock.now <= max(0.0, time - LEAST) + 1e-9


def test_by_default_time_runs_out_before_the_attempts_do() -> None:
    """With waits of the average length: how long a caller is willing to wait is what ought to decide."""
    default = Settings()
    clock = Clock()

    waiting = replace(default.retries, sleep=clock.sleep, jitter=lambda: 0.5, remaining=lambda: math.inf)

    assert default.conflict_max_attempts == len(list(waiting.attempts()))
    assert clock.now >= default.request_timeout
