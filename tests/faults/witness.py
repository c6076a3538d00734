"""A witness who hears both what Elasticsearch acknowledges and what the service tells its callers.

It holds the service to what is the service's own: to tell no success before Elasticsearch has acknowledged a write that
the increment is part of. Whether Elasticsearch keeps what it has acknowledged is another question.
"""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from http.client import HTTPResponse, parse_headers
from io import BytesIO
from typing import Any, Final, NamedTuple, cast

from tests.faults.framing import HEAD_END
from tests.faults.tcp_proxy import Exchange

WRITTEN: Final = ("created", "updated")


class Success(NamedTuple):
    """An increment's: its counter, its key as counters remember it, empty if it has none, and the value after it."""

    counter_id: str
    key: str
    value: int


class Witness:
    """Stands in front of the service with `watch`, and between the service and Elasticsearch with `hear`.

    Attributes:
        told: How many successes the service has told.
        baseless: Those of them that no acknowledgement had preceded.
    """

    def __init__(self) -> None:
        self.told = 0
        self.baseless: list[Success] = []
        self._lock = threading.Lock()
        self._keyed: set[Success] = set()
        self._keyless: Counter[Success] = Counter()

    def hear(self, exchange: Exchange) -> None:
        """Forward what the service asks of Elasticsearch, and note what is acknowledged before the service knows."""
        exchange.forward()
        if exchange.is_write:
            successes = list(_acknowledged(exchange))
            with self._lock:
                self._keyed.update(success for success in successes if success.key)
                self._keyless.update(success for success in successes if not success.key)

    def watch(self, exchange: Exchange) -> None:
        """Forward what a caller asks of the service, an increment at a time, and hold a success against what was heard.

        Without a key each acknowledgement is good for one increment; with one also for its repetitions.
        """
        exchange.forward()
        status, body = _reply(exchange)
        if exchange.method != "POST" or status != 200:
            return
        headers, _ = _request(exchange)
        key = headers.get("Idempotency-Key", "").strip('"').replace("-", "")
        success = Success(body["id"], key, body["value"])
        with self._lock:
            self.told += 1
            if success not in (self._keyed if key else +self._keyless):
                self.baseless.append(success)
            elif not key:
                self._keyless[success] -= 1


def _acknowledged(exchange: Exchange) -> Iterator[Success]:
    """Return the increments that are part of the writes which a reply of Elasticsearch's acknowledges."""
    status, body = _reply(exchange)
    _, content = _request(exchange)
    lines = [json.loads(line) for line in content.splitlines()]
    if exchange.path.endswith("/_bulk"):
        items = [next(iter(item.values())) for item in body.get("items", [])]
        writes: Iterable[tuple[Any, Any]] = zip(lines[1::2], items, strict=True) if items else ()
    else:
        writes = [(line, {"status": status, **body}) for line in lines]
    for written, item in writes:
        if item["status"] in (200, 201) and item.get("result") in WRITTEN:
            yield from _increments(item["_id"], written, item)


def _increments(counter_id: str, written: Any, item: Any) -> Iterator[Success]:
    if "script" not in written:  # a document, with all that it remembers
        yield Success(counter_id, "", written["value"])
        for key, (value, _) in written.get("operations", {}).get("entries", {}).items():
            yield Success(counter_id, key, value)
        return
    asked = written["script"]["params"]["increments"]
    source = item["get"]["_source"]
    # Without keys and refusals there are no answers: the amounts, each 1, and the last value tell as much.
    plain = [[value, False] for value in range(source["value"] - len(asked) + 1, source["value"] + 1)]
    answers = source.get("operations", {}).get("answers", plain)
    for increment, answer in zip(asked, answers, strict=True):
        if isinstance(answer, list):
            yield Success(counter_id, increment.get("key", ""), answer[0])


def _request(exchange: Exchange) -> tuple[Any, bytes]:
    """Return the headers and the body of a request that has a length."""
    stream = BytesIO(exchange.request.partition(HEAD_END)[2])
    return parse_headers(stream), stream.read()


def _reply(exchange: Exchange) -> tuple[int, Any]:
    """Return the status and the body of a reply."""
    reply = HTTPResponse(cast(socket.socket, _Received(exchange.reply)), method=exchange.method)
    reply.begin()
    return reply.status, json.loads(reply.read())


class _Received:
    """What has been received, in place of a socket that it would come from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _: str) -> BytesIO:
        """Return it as a stream."""
        return BytesIO(self._data)
