"""Row 16: callers that send slowly, read slowly, or do nothing, more of them than there are threads."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.api import Api
from tests.faults.callers import Crowd
from tests.faults.cases import Case
from tests.faults.conftest import Enter, Start
from tests.wire import request

WORKERS: Final = 2
THREADS: Final = 4
SLOW: Final = 4 * WORKERS * THREADS

SECONDS: Final = 60.0
"""How long the others wait for an answer. Who is not served while the slow ones are there would wait for them."""

SMALL: Final = 4096
"""Bytes that a slow caller takes in without reading them."""

BODY: Final = b" " * 100_000
LARGE: Final = request("/openapi.yaml", method="GET") * 200
"""Requests whose answers, tens of kilobytes each, fit into no buffer between the service and who does not read."""

SENT: Final = {
    "a head that never ends": (b"POST /occ/slow HTTP/1.1\r\nX-Slow: ", b"x" * 1000),
    "a body that never ends": (
        request("/occ/slow", "Content-Type: application/json", f"Content-Length: {len(BODY)}"),
        BODY,
    ),
    "answers that nobody reads": (LARGE, b""),
    "nothing at all": (b"", b""),
}
"""What a slow caller sends at once, and what byte by byte after that."""


@contextlib.contextmanager
def slow_callers(url: str, at_once: bytes, trickle: bytes) -> Iterator[None]:
    """Keep connections busy for as long as the block lasts: each sends something, and then a byte now and then."""
    address = urlsplit(url)
    over = threading.Event()

    def feed(connections: list[socket.socket]) -> None:
        for index in range(len(trickle)):
            if over.wait(0.5):
                return
            for connection in connections:
                with contextlib.suppress(OSError):  # the service may have had enough of it
                    connection.send(trickle[index : index + 1])

    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.socket()) for _ in range(SLOW)]
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            connection.connect((address.hostname or "", address.port or 80))
            connection.sendall(at_once)
            connection.settimeout(0)
        feeder = threading.Thread(target=feed, args=[connections])
        feeder.start()
        try:
            yield
        finally:
            over.set()
            feeder.join()


@pytest.mark.parametrize("strategy", ["scripted", "batched"])
@pytest.mark.parametrize("sent", SENT)
def test_slow_callers_keep_nobody_from_being_served(
    start: Start, api: Api, enter: Enter, counter_id: str, sent: str, strategy: str
) -> None:
    """While more callers than there are threads take their time, others are answered, in threads and in tasks."""
    service = start({"WORKERS": f"{WORKERS}", "THREADS": f"{THREADS}"})
    crowd = Crowd(service.url, Case(strategy, keyed=True), counter_id, timeout=SECONDS, patience=SECONDS)
    with slow_callers(service.url, *SENT[sent]):
        crowd.increment(25, callers=4)

    enter(crowd.figures(api, row=16, fault=f"{SLOW} slow callers: {sent}", struck=SLOW))
    assert 0 == crowd.tally.silences
