"""A door between two threads: one waits before it, another opens it."""

import threading


class Latch:
    """Shut from the beginning, and again behind whoever has waited; each opening lets one wait come to its end.

    It is a binary semaphore, and lighter than `threading.Event`, of which each request would take one.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        """Let one wait end, that is or is to come. It must be shut."""
        self._lock.release()

    def wait(self, seconds: float = threading.TIMEOUT_MAX) -> bool:
        """Wait until it is opened, and say whether it was within so many seconds; ``math.inf`` is no limit."""
        return self._lock.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))
