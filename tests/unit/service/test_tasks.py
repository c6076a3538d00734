"""Waiting: by a thread that stands still, and by a task that lets its thread do something else."""

import gc
import selectors
import socket
import threading
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from service import tasks
from service.server.loop import MainLoop
from service.tasks import SPARE, Latch, Task, TaskLatch, latch

SECONDS = 60.0
"""How long a test waits for what must happen."""


class Here:
    """A loop in the thread of the test, and what its tasks have said."""

    def __init__(self, poller: selectors.BaseSelector, wake: Callable[[], object]) -> None:
        self.loop = MainLoop(poller, wake)
        self.said: list[object] = []

    def begin(self, function: Callable[..., object], *args: Any) -> None:
        """Begin a task that says what the function returns."""
        Task.begin(self.loop, lambda: self.said.append(function(*args)))

    def turn_until_said(self) -> None:
        """Turn until a task has said something, which waits for another thread."""
        while not self.said:
            self.loop.turn(SECONDS)


@pytest.fixture
def here() -> Iterator[Here]:
    """Return one."""
    awaited, waking = socket.socketpair()
    with selectors.DefaultSelector() as poller, awaited, waking:
        poller.register(awaited, selectors.EVENT_READ, lambda _: awaited.recv(100))
        yield Here(poller, lambda: waking.send(b"\0"))


def test_threads_and_tasks_have_latches_of_their_own(here: Here) -> None:
    """Whoever asks for a latch gets one that it can wait at."""
    here.begin(latch)

    assert isinstance(here.said[0], TaskLatch)
    assert isinstance(latch(), Latch)


def test_tasks_wait_side_by_side(here: Here) -> None:
    """One thread has any number of tasks wait, and each goes on when its own latch is opened."""
    doors: list[Latch | TaskLatch] = []

    def wait(name: str) -> str:
        doors.append(door := latch())
        return f"{name}: {door.wait(SECONDS)}"

    for name in "abc":
        here.begin(wait, name)
    for door in reversed(doors):
        door.open()
    here.loop.turn(0.0)

    assert ["c: True", "b: True", "a: True"] == here.said


def test_another_thread_may_open(here: Here) -> None:
    """The loop is woken, and the task goes on in the loop's thread."""
    doors: list[Latch | TaskLatch] = []

    def wait() -> tuple[bool, threading.Thread]:
        doors.append(door := latch())
        return door.wait(SECONDS), threading.current_thread()

    here.begin(wait)
    opener = threading.Thread(target=doors[0].open)
    opener.start()
    here.turn_until_said()
    opener.join()

    assert [(True, threading.current_thread())] == here.said


def test_a_wait_ends_with_its_time(here: Here) -> None:
    """A latch that nobody opens in time lets its task go on nevertheless."""
    here.begin(lambda: latch().wait(0.001))
    here.loop.turn(SECONDS)

    assert [False] == here.said


def test_a_latch_that_is_opened_first_is_not_waited_at(here: Here) -> None:
    """The opening is kept for the wait that is to come, once."""

    def wait() -> list[bool]:
        door = latch()
        door.open()
        return [door.wait(SECONDS), door.wait(0.0)]

    here.begin(wait)

    assert [[True, False]] == here.said


def test_an_opening_that_comes_too_late_wakes_nobody_twice(here: Here) -> None:
    """Time is up, the task waits for something else, and the late opening is for the first wait alone."""
    doors: list[Latch | TaskLatch] = []

    def wait() -> list[bool]:
        doors.extend([latch(), latch()])
        return [doors[0].wait(0.001), doors[1].wait(SECONDS)]

    here.begin(wait)
    here.loop.turn(SECONDS)
    doors[0].open()
    here.loop.turn(0.0)
    before = [*here.said]
    doors[1].open()
    here.loop.turn(0.0)

    assert [] == before
    assert [[False, True]] == here.said


def test_tasks_have_context_variables_of_their_own(here: Here) -> None:
    """What one sets, neither the next one nor the loop sees, and it still sees it after a wait."""
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    doors: list[Latch | TaskLatch] = []

    def remember(value: str) -> tuple[str, str]:
        before = variable.get()
        variable.set(value)
        doors.append(door := latch())
        door.wait(SECONDS)
        return before, variable.get()

    for value in ("one", "other"):
        here.begin(remember, value)
    for door in doors:
        door.open()
    here.loop.turn(0.0)

    assert [("unset", "one"), ("unset", "other")] == here.said
    assert "unset" == variable.get()


def test_tasks_are_used_again(here: Here) -> None:
    """What comes later finds nothing of what was done before; and no more are kept than are worth it."""
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    doors: list[Latch | TaskLatch] = []

    def remember() -> str:
        before = variable.get()
        variable.set("set")
        doors.append(door := latch())
        door.wait(SECONDS)
        return before

    for _ in range(2):
        for _ in range(SPARE + 1):
            here.begin(remember)
        while doors:
            doors.pop().open()
        here.loop.turn(0.0)

    assert ["unset"] * 2 * (SPARE + 1) == here.said
    assert SPARE == len(here.loop.spare)


def test_a_spare_task_keeps_nothing(here: Here) -> None:
    """What it has done can be forgotten by all others."""

    class Thing:
        """Something that was given to a task."""

    thing = Thing()
    kept = weakref.ref(thing)
    here.begin(lambda _thing: None, thing)
    del thing
    gc.collect()

    assert 1 == len(here.loop.spare)
    assert kept() is None


def test_a_task_sleeps_without_its_thread(here: Here) -> None:
    """While it does nothing, others go on."""

    def sleep() -> str:
        tasks.sleep(0.001)
        return "slept"

    here.begin(sleep)
    here.begin(lambda: "awake")
    here.loop.turn(SECONDS)

    assert ["awake", "slept"] == here.said


def test_a_thread_waits_and_sleeps_as_threads_do() -> None:
    """Outside a loop there is nobody to give way to."""
    door = latch()
    thread = threading.Thread(target=door.open)
    thread.start()
    tasks.sleep(0.0)

    assert door.wait(SECONDS)
    assert not door.wait(0.0)
    thread.join()


def test_what_fails_in_a_task_reaches_the_loop(here: Here) -> None:
    """A task is part of its loop's thread: nothing is swallowed."""
    with pytest.raises(ZeroDivisionError):
        here.begin(partial(divmod, 1, 0))
