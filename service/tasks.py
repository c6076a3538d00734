"""How what serves a request waits: a thread stands still, a task lets its thread do something else meanwhile.

A task is a greenlet: code that reads, and is written, as if it had a thread to itself. Many of them share the thread of
a `Loop`, and each has context variables of its own. One that has to wait for others costs a switch there and one back,
where a thread costs two wake-ups and a fight for Python's lock with all that are woken at the same time. What a task
calls may therefore wait here alone: to wait in any other way, as for a socket, would hold up all of them.

Source: https://greenlet.readthedocs.io/en/latest/contextvars.html
"""

import threading
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final, Protocol

from greenlet import getcurrent, greenlet

AT_MOST: Final = threading.TIMEOUT_MAX
"""Seconds that a wait may last; ``math.inf`` asks for no more."""


SPARE: Final = 256
"""How many tasks that have nothing to do are kept for what is to come."""


class Loop(Protocol):
    """What runs tasks, all in the thread that it is in.

    Attributes:
        spare: Tasks that have nothing to do.
    """

    spare: "list[Task]"

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Have the loop's thread call this soon. Any thread may ask."""

    def call_in(self, seconds: float, function: Callable[[], object]) -> Callable[[], None]:
        """Call this in so many seconds, and return what calls it off. The loop's thread alone may ask."""

    def call_idle(self, function: Callable[[], object]) -> None:
        """Call this once as soon as there is nothing else to do. The loop's thread alone may ask."""


class Task(greenlet):
    """Something that is done in turns with other tasks of a loop, and then another thing: a new one takes longer.

    Attributes:
        loop: The loop.
        home: Where the loop runs, and goes on when the task has to wait.
    """

    def __init__(self, loop: Loop) -> None:
        super().__init__(self._do)
        self.loop = loop
        self.home = getcurrent()
        self.switch()  # to where it waits for something to do

    @classmethod
    def begin(cls, loop: Loop, function: Callable[..., object], *args: Any) -> None:
        """Do something as far as it goes without waiting, and the rest later; the loop's thread alone may ask."""
        task = loop.spare.pop() if loop.spare else cls(loop)
        task.switch(function, args)

    def _do(self) -> None:
        while True:
            function, args = self.home.switch()
            # Of context variables each thing that is done has its own.
            Context().run(function, *args)
            # Nor is what was done kept in memory by who has done it.
            del function, args
            if len(self.loop.spare) == SPARE:
                return
            self.loop.spare.append(self)


class Latch:
    """A door for a thread: shut from the beginning, and again behind whoever has waited; an opening lets one wait end.

    It is a binary semaphore, and lighter than `threading.Event`, of which each request would take one.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        """Let one wait end, that is or is to come. It must be shut. Any thread may do so."""
        self._lock.release()

    def wait(self, seconds: float = AT_MOST) -> bool:
        """Wait until it is opened, and say whether it was within so many seconds."""
        return self._lock.acquire(timeout=min(seconds, AT_MOST))


class TaskLatch:
    """The same for a task, which alone may wait at it."""

    __slots__ = ("_is_open", "_is_waited_at", "_task")

    def __init__(self, task: Task) -> None:
        self._task = task
        self._is_open = False
        self._is_waited_at = False

    def open(self) -> None:
        """Let one wait end, that is or is to come. It must be shut. Any thread may do so."""
        self._is_open = True
        self._task.loop.call(self._end_wait)

    def wait(self, seconds: float = AT_MOST) -> bool:
        """Wait until it is opened, and say whether it was within so many seconds."""
        if not self._is_open and seconds > 0.0:
            self._is_waited_at = True
            call_off = self._task.loop.call_in(seconds, self._end_wait)
            self._task.home.switch()
            call_off()
        was_open, self._is_open = self._is_open, False
        return was_open

    def _end_wait(self) -> None:
        # Time may be up just as it is opened: only the first of the two finds somebody.
        if self._is_waited_at:
            self._is_waited_at = False
            self._task.switch()


def _at_hand() -> Task | None:
    """Return the task that asks; None if it is a thread."""
    at_hand = getcurrent()
    return at_hand if isinstance(at_hand, Task) else None


def loop_at_hand() -> Loop | None:
    """Return the loop whose task asks; None if none does."""
    task = _at_hand()
    return task.loop if task else None


def latch() -> Latch | TaskLatch:
    """Return a latch for whoever asks to wait at."""
    task = _at_hand()
    return TaskLatch(task) if task else Latch()


def sleep(seconds: float) -> None:
    """Do nothing for so many seconds."""
    if _at_hand():
        latch().wait(seconds)
    else:
        time.sleep(seconds)
