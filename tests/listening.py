"""What stands for a server where a test has to say what becomes of each connection."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

Serve = Callable[[socket.socket, threading.Event], object]
"""Serves a connection; the event says that the test is over."""


class Node:
    """What listens on a port of this machine, and does with each connection what it is told.

    ``port`` is where; ``met`` counts the connections.
    """

    def __init__(self, serve: Serve, port: int = 0, backlog: int = 64) -> None:
        self.met = 0
        self._over = threading.Event()
        self._serve = serve
        self._callers: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port), backlog=backlog)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def run(self) -> None:
        """Serve until the listener is closed."""
        with suppress(OSError), ThreadPoolExecutor(16) as pool:
            while True:
                caller, _ = self._listener.accept()
                self.met += 1
                self._callers.append(caller)
                pool.submit(self._attend, caller)

    def close(self) -> None:
        """End."""
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for caller in self._callers:
            with suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)

    def _attend(self, caller: socket.socket) -> None:
        with caller, suppress(OSError):
            self._serve(caller, self._over)


@contextmanager
def listening(serve: Serve, port: int = 0) -> Iterator[Node]:
    """Give a node that serves every connection by ``serve``."""
    node = Node(serve, port)
    thread = threading.Thread(target=node.run)
    thread.start()
    try:
        yield node
    finally:
        node.close()
        thread.join()
