"""The loop of a worker's main thread: calls from everywhere, timers, and events of sockets."""

import selectors
import socket
import threading
from collections.abc import Iterator

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


def test_a_loop_is_woken_once_for_many_calls(poller: selectors.BaseSelector) -> None:
    """To wake it takes a call of the system; who asks later, before it turns, need not do so again."""
    woken: list[None] = []
    loop = MainLoop(poller, lambda: woken.append(None))
    for _ in range(3):
        loop.call(nothing)
    loop.turn(0.0)
    loop.call(nothing)

    assert 2 == len(woken)


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
