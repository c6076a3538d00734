"""The loop of a worker's main thread: calls from everywhere, timers, and events of sockets."""

import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service.server.loop import FORGOTTEN, MainLoop

SECONDS = 60.0


@pytest.fixture
def poller() -> Iterator[selectors.BaseSelector]:
    """Return what the loop waits with."""
    with selectors.DefaultSelector() as poller:
        yield poller


def nothing() -> None:
    """Do nothing."""


def test_calls_are_made_in_their_order(poller: selectors.BaseSelector) -> None:
    """With what they were given; and what a call asks for is the next turn's."""
    made: list[int] = []
    loop = MainLoop(poller, nothing)
    loop.call(made.append, 1)
    loop.call(lambda: loop.call(made.append, 3))
    loop.call(made.append, 2)
    loop.turn(SECONDS)
    first = [*made]
    loop.turn(SECONDS)

    assert [1, 2] == first
    assert [1, 2, 3] == made


def test_who_asks_wakes_a_loop_that_waits(poller: selectors.BaseSelector) -> None:
    """A hundred threads ask while it waits, and the first of them wakes it."""
    awaited, waking = socket.socketpair()
    made: list[int] = []
    with awaited, waking:
        poller.register(awaited, selectors.EVENT_READ, lambda _: awaited.recv(100))
        loop = MainLoop(poller, lambda: waking.send(b"\0"))
        threads = [threading.Thread(target=loop.call, args=(made.append, number)) for number in range(100)]
        for thread in threads:
            thread.start()
        while len(made) < len(threads):
            loop.turn(SECONDS)
        for thread in threads:
            thread.join()

    assert set(range(100)) == set(made)


class LateCalls(deque[Any]):
    """Calls of a loop, one of which is asked for just after the loop has found that there are none."""

    def __init__(self, ask: Callable[[], None]) -> None:
        super().__init__()
        self.ask = ask

    def __bool__(self) -> bool:
        found = len(self) > 0
        ask, self.ask = self.ask, nothing
        ask()
        return found


def test_who_asks_just_before_the_loop_waits_wakes_it(
    poller: selectors.BaseSelector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To wake it takes a call of the system; who asks later, before it goes on, need not do so again."""
    woken: list[str] = []
    made: list[str] = []
    loop = MainLoop(poller, lambda: woken.append("woken"))

    def ask() -> None:
        for _ in range(3):
            loop.call(made.append, "made")

    monkeypatch.setattr(loop, "_calls", LateCalls(ask))
    loop.turn(0.0)

    assert ["woken"] == woken
    assert ["made"] * 3 == made


def test_a_loop_that_has_something_to_do_is_not_woken(poller: selectors.BaseSelector) -> None:
    """What it asks itself for, or others before it waits, it sees when it next looks."""
    awaited, waking = socket.socketpair()
    woken: list[str] = []
    made: list[str] = []
    with awaited, waking:
        loop = MainLoop(poller, lambda: woken.append("woken"))

        def read(_: object) -> None:
            awaited.recv(1)
            loop.call(made.append, "asked at an event")
            loop.call_idle(lambda: loop.call(made.append, "asked when idle"))

        poller.register(awaited, selectors.EVENT_READ, read)
        waking.send(b"\0")
        loop.turn(SECONDS)
        loop.call(loop.call, made.append, "asked by a call")
        loop.call_in(0.0, lambda: loop.call(made.append, "asked by a timer"))
        while len(made) < 4:
            loop.turn(SECONDS)

    assert [] == woken


def test_idle_calls_are_made_in_the_turn_after_an_event(poller: selectors.BaseSelector) -> None:
    """Once the calls have been made that it led to; what a loop asks itself for is no event."""
    awaited, waking = socket.socketpair()
    made: list[str] = []
    with awaited, waking:
        loop = MainLoop(poller, nothing)

        def read(_: object) -> None:
            awaited.recv(1)
            loop.call(loop.call_idle, lambda: made.append("idle"))
            loop.call(made.append, "call")

        poller.register(awaited, selectors.EVENT_READ, read)
        waking.send(b"\0")
        loop.turn(SECONDS)
        first = [*made]
        loop.turn(SECONDS)

    assert ["call"] == first
    assert ["call", "idle"] == made


def test_timers_go_off_in_the_order_of_their_time(poller: selectors.BaseSelector) -> None:
    """And those that were called off never."""
    made: list[str] = []
    loop = MainLoop(poller, nothing)
    loop.call_in(0.002, lambda: made.append("second"))
    loop.call_in(0.001, lambda: made.append("first"))
    loop.call_in(0.0, lambda: made.append("called off"))()
    while len(made) < 2:
        loop.turn(SECONDS)

    assert ["first", "second"] == made


def test_a_timer_that_has_gone_off_can_be_called_off(poller: selectors.BaseSelector) -> None:
    """Nothing comes of it."""
    made: list[str] = []
    loop = MainLoop(poller, nothing)
    call_off = loop.call_in(0.0, lambda: made.append("gone off"))
    loop.turn(SECONDS)
    call_off()
    loop.turn(0.0)

    assert ["gone off"] == made


def test_what_is_called_off_is_forgotten(poller: selectors.BaseSelector) -> None:
    """Of ten thousand long waits that ended early no more are kept than a few."""
    loop = MainLoop(poller, nothing)
    made: list[str] = []
    loop.call_in(SECONDS, lambda: made.append("due"))
    most = 0
    for _ in range(10_000):
        loop.call_in(SECONDS, nothing)()
        loop.turn(0.0)
        most = max(most, loop.timers)

    assert FORGOTTEN + 2 >= most
    assert [] == made


def test_idle_calls_wait_until_there_is_nothing_else(poller: selectors.BaseSelector) -> None:
    """Neither a call nor an event; and whatever is asked for twice is done once, and not again later."""
    awaited, waking = socket.socketpair()
    made: list[str] = []

    def idle() -> None:
        made.append("idle")

    with awaited, waking:
        poller.register(awaited, selectors.EVENT_READ, lambda _: made.append(awaited.recv(100).decode()))
        loop = MainLoop(poller, nothing)
        loop.call_idle(idle)
        loop.call_idle(idle)
        loop.call(made.append, "call")
        loop.turn(SECONDS)
        waking.send(b"event")
        loop.turn(SECONDS)
        loop.turn(SECONDS)
        loop.turn(0.0)

    assert ["call", "event", "idle"] == made
