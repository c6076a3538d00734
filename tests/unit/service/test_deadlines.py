"""The deadline of the request at hand: it is each thread's own, and only ever comes closer."""

import math
import threading

from service import deadlines


def test_there_is_none_at_first() -> None:
    """Who set no deadline may take forever."""
    assert math.inf == deadlines.remaining()


def test_what_remains_is_what_was_given() -> None:
    """A deadline counts from its beginning, and its end is the end of it."""
    deadlines.begin(60)
    during = deadlines.remaining()
    deadlines.end()

    assert 0 < during <= 60
    assert math.inf == deadlines.remaining()


def test_nothing_remains_of_what_has_passed() -> None:
    """Less than nothing is never left, so that it can be handed to a socket."""
    with deadlines.within(-1):
        assert 0.0 == deadlines.remaining()


def test_a_part_gets_no_longer_than_the_whole() -> None:
    """What is done within a deadline can shorten it for itself, but not lengthen it, and leaves it as it was."""
    with deadlines.within(60):
        with deadlines.within(3600):
            longer = deadlines.remaining()
        with deadlines.within(1):
            shorter = deadlines.remaining()
        after = deadlines.remaining()

    assert 1 < longer <= 60
    assert shorter <= 1
    assert 1 < after <= 60


def test_each_thread_has_its_own() -> None:
    """The deadline of one request says nothing to another."""
    seen = []
    with deadlines.within(60):
        thread = threading.Thread(target=lambda: seen.append(deadlines.remaining()))
        thread.start()
        thread.join()

    assert [math.inf] == seen
