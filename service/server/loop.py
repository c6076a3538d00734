"""The loop of a worker's main thread: what is to be done soon, at its time or at last, and what happens on sockets."""

import heapq
import selectors
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from service.tasks import Task

FORGOTTEN: Final = 64
"""How many calls that were called off are kept at least until their time comes, before all of them are thrown out."""


class Timer:
    """A call that is due at a time; None once it has been made or called off."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], object]) -> None:
        self.function: Callable[[], object] | None = function


class MainLoop:
    """A `service.tasks.Loop`.

    Args:
        poller: Tells of events on sockets, and of the function to call with the socket.
        wake: Has ``poller`` tell of something, if it waits. Any thread may call it.

    Attributes:
        spare: Tasks that have nothing to do.
    """

    def __init__(self, poller: selectors.BaseSelector, wake: Callable[[], object]) -> None:
        self.spare: list[Task] = []
        self._poller = poller
        self._wake = wake
        self._calls: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._idle_calls: dict[Callable[[], object], None] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._number = count()
        self._called_off = 0
        self._is_waiting = False

    @property
    def timers(self) -> int:
        """How many calls are kept whose time is to come, those that were called off among them."""
        return len(self._timers)

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Have the loop's thread call this soon. Any thread may ask."""
        self._calls.append((function, args))
        if self._is_waiting:
            self._is_waiting = False
            self._wake()

    def call_in(self, seconds: float, function: Callable[[], object]) -> Callable[[], None]:
        """Call this in so many seconds, and return what calls it off."""
        timer = Timer(function)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._number), timer))

        def call_off() -> None:
            if timer.function:
                timer.function = None
                self._called_off += 1

        return call_off

    def call_idle(self, function: Callable[[], object]) -> None:
        """Call this once as soon as there is nothing else to do, however often it has been asked for by then."""
        self._idle_calls[function] = None

    def turn(self, timeout: float) -> None:
        """Do what there is to do, waiting for it up to ``timeout`` seconds."""
        # Before it looks for calls: whoever asks for one after that wakes the loop.
        self._is_waiting = True
        if self._calls or self._idle_calls:
            timeout = 0.0
        elif self._timers:
            timeout = min(timeout, max(0.0, self._timers[0][0] - time.monotonic()))
        events = self._poller.select(timeout)
        # Or it has just been woken.
        self._is_waiting = False
        if not events and not self._calls:
            self._make_idle_calls()
        for key, _ in events:
            key.data(key.fileobj)
        self._make_calls()
        self._look_at_the_clock()

    def _make_calls(self) -> None:
        """Make the calls that have been asked for by now; those that they ask for are the next turn's."""
        for _ in range(len(self._calls)):
            function, args = self._calls.popleft()
            function(*args)

    def _make_idle_calls(self) -> None:
        """Make the calls that were to wait until there is nothing else to do."""
        calls, self._idle_calls = self._idle_calls, {}
        for function in calls:
            function()

    def _look_at_the_clock(self) -> None:
        """Make the calls that are due."""
        if self._called_off > max(FORGOTTEN, len(self._timers) // 2):
            self._timers = [entry for entry in self._timers if entry[2].function]
            heapq.heapify(self._timers)
            self._called_off = 0
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.function:
                function, timer.function = timer.function, None
                function()
            else:
                self._called_off -= 1
