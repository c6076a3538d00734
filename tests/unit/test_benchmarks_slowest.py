"""Which requests are the slowest, and what their table says of them."""

import os
from collections.abc import Sequence
from operator import attrgetter

import pytest

from benchmarks.load import MICROSECONDS, Answer, Outcome
from benchmarks.processors import ALL, Accounts, Time
from benchmarks.routes.timed import Note
from benchmarks.slowest import (
    COLLECTING,
    COMPILING,
    GROUPS,
    GUNICORN,
    MEASURING,
    SERVING,
    Pace,
    groups_of,
    rows,
    slowest,
    wait_of,
)

BEGIN = 100.0
"""Seconds on the monotonic clock when the first request is due."""


def answers(number: int) -> list[Answer]:
    """Return answers to requests that are due one second after the other, and take one millisecond longer each."""
    due = [round((BEGIN + number) * MICROSECONDS) for number in range(number)]
    return [
        Answer(moment, moment, moment + 1000 * (ms + 1), 200, Outcome.ACKNOWLEDGED)
        for ms, moment in enumerate(due)
    ]


def note(*milliseconds: float) -> Note:
    """Return when an increment came, no other write was under way, its own began and ended, and it went on."""
    return Note(*(BEGIN + ms / 1000 for ms in milliseconds))


@pytest.mark.parametrize(("number", "expected"), [(100, [100]), (300, [298, 299, 300])])
def test_the_slowest_are_one_in_a_hundred(number: int, expected: Sequence[int]) -> None:
    """By the time from when they were due."""
    assert expected == [
        each.latency // 1000 for each in slowest(answers(number)[::-1], attrgetter("latency"))
    ]


def test_the_slowest_for_the_strategy_are_as_many() -> None:
    """By the time from when it had them until they went on."""
    slow = note(0, 0, 1, 2, 90)

    assert [slow] == slowest([slow, *[note(0, 0, 1, 2, 3)] * 99], attrgetter("seconds"))
    assert [] == slowest([slow] * 10, attrgetter("seconds"))
    assert [] == slowest([], attrgetter("seconds"))


def test_threads_belong_to_who_they_work_for() -> None:
    """Those of the JVM's own by their names, which are also those of others' threads."""
    groups = groups_of(workers=[1, 2], store=3)

    def group(process: int, name: str) -> str | None:
        return next((group for group, has in groups.items() if has(process, name)), None)

    assert GUNICORN == group(1, "python") == group(2, "GC Thread#0")
    assert COMPILING == group(3, "C2 CompilerThre") == group(3, "C1 CompilerThre")
    assert COLLECTING == group(3, "GC Thread#1") == group(3, "G1 Service") == group(3, "VM Thread")
    assert SERVING == group(3, "elasticsearch[l")
    assert MEASURING == group(os.getpid(), "python")
    assert group(4, "wrk") is None


def test_a_wait_has_its_steps_and_who_had_the_processors() -> None:
    """On average over the requests, and over the time in which they were under way."""
    taken = {group: Time() for group in (*GROUPS, ALL)}
    later = {
        **taken,
        GUNICORN: Time(1.0, 0.5),
        COMPILING: Time(0.5),
        SERVING: Time(0.0, 1.0),
        ALL: Time(2.0, 0.25),
    }
    accounts = Accounts([BEGIN, BEGIN + 2], [taken, later])

    found = wait_of(
        "the slowest",
        answers(2),
        [note(0, 0, 10, 13, 14), note(0, 15, 20, 24, 26)],
        accounts,
        pace=Pace(1234.5, 0.5),
    )
    [_, row] = rows([found])

    steps = ("20.0", "7.5", "7.5", "3.5", "1.5")
    processors = ("1.00", "0.50", "0.25", "0.00", "0.00", "0.00", "0.25", "0.25", "0.50", "0.12")
    assert ("the slowest", "2", "2", "1,234", "0.50", "1.5", *steps, *processors) == row


def test_a_route_that_writes_nothing_has_no_steps() -> None:
    """Which is not none of a millisecond."""
    taken = {group: Time() for group in (*GROUPS, ALL)}

    found = wait_of("bare", answers(2), [], Accounts([BEGIN, BEGIN + 2], [taken, taken]), pace=None)
    [head, row] = rows([found])

    assert ("-",) * 7 == tuple(
        row[head.index(step)]
        for step in (
            "due/s",
            "acknowledged ÷ due",
            "in the strategy",
            "behind a write",
            "until its own",
            "the write",
            "until it goes on",
        )
    )
