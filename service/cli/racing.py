"""The clients of a race: they know the service by its HTTP contract, as any other caller does."""

import json
import queue
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

TIMEOUT: Final = urllib3.Timeout(connect=5, read=30)

REPEATABLE: Final = urllib3.Retry(
    total=5,
    connect=0,
    backoff_factor=0.2,
    status_forcelist=[503],
    allowed_methods=None,
    raise_on_status=False,
)
"""How often what is no increment is tried: to set, read or delete a counter twice does no harm."""


class RaceError(Exception):
    """The race cannot be held; the message says why, and what to do."""


class NotDone(RaceError):
    """What was asked for is certainly not done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an increment.

    ``value`` is the counter right after it, None if it was not acknowledged; then ``unknown`` says whether it may have
    been applied all the same. ``conflicts`` counts the writes that met another.
    """

    value: int | None
    unknown: bool = False
    conflicts: int = 0


class Course:
    """The service at a URL, as ``clients`` at once will ask it."""

    def __init__(self, url: str, token: str | None, clients: int) -> None:
        self._url = url.rstrip("/")
        self._clients = clients
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(maxsize=clients, timeout=TIMEOUT, retries=False, headers=headers)

    def make(self, counter_id: str) -> None:
        """Make a counter, at 0.

        Raises:
            RaceError: The service did not do it.
        """
        self._ask("PUT", counter_id, {"value": 0})

    def read(self, counter_id: str) -> int:
        """Read a counter.

        Raises:
            RaceError: The service did not tell it.
        """
        match self._ask("GET", counter_id):
            case {"value": int(value)}:
                return value
            case _:
                raise RaceError(f"{self._url} does not speak as the service does.")

    def delete(self, counter_id: str) -> None:
        """Delete a counter, which need not be there.

        Raises:
            RaceError: The service did not do it.
        """
        self._ask("DELETE", counter_id)

    def run(self, strategy: str, counter_id: str, increments: int) -> Generator[Answer]:
        """Let all clients begin at once, and yield each answer as it comes.

        If nobody takes the next answer, every client ends after the request that it is waiting for.
        """
        answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        start, stop = threading.Barrier(self._clients), threading.Event()

        def client() -> None:
            try:
                start.wait()
                for _ in range(increments):
                    if stop.is_set():
                        return
                    answers.put(self._increment(strategy, counter_id))
            finally:
                answers.put(None)

        with ThreadPoolExecutor(self._clients) as pool:
            running = [pool.submit(client) for _ in range(self._clients)]
            try:
                ended = 0
                while ended < self._clients:
                    answer = answers.get()
                    if answer is None:
                        ended += 1
                    else:
                        yield answer
            finally:
                stop.set()
        for each in running:
            each.result()

    def _increment(self, strategy: str, counter_id: str) -> Answer:
        try:
            response = self._pool.request("POST", f"{self._url}/{strategy}/{counter_id}", json={"by": 1})
        except (NewConnectionError, ConnectTimeoutError):
            return Answer(None)
        except HTTPError:
            return Answer(None, unknown=True)
        match response.status, _parsed(response.data):
            case HTTPStatus.OK, {"value": int(value), "conflicts": int(conflicts)}:
                return Answer(value, conflicts=conflicts)
            case status, {"type": str(problem), **others} if problem.startswith("/problems/"):
                refused = status < HTTPStatus.INTERNAL_SERVER_ERROR or others.get("outcome") == "not-applied"
                return Answer(None, unknown=not refused)
            case _:
                # Whoever else answered, a proxy say, need not know what became of the request.
                return Answer(None, unknown=True)

    def _ask(self, method: str, counter_id: str, body: Any = None) -> Any:
        try:
            response = self._pool.request(
                method, f"{self._url}/counters/{counter_id}", json=body, retries=REPEATABLE
            )
        except (HTTPError, ValueError) as error:
            raise self._without_answer(getattr(error, "reason", error)) from error
        parsed = _parsed(response.data)
        match response.status, parsed:
            case ((HTTPStatus.OK | HTTPStatus.CREATED | HTTPStatus.NO_CONTENT), _):
                return parsed
            case HTTPStatus.NOT_FOUND, {"type": "/problems/counter-not-found"} if method == "DELETE":
                return None
            case ((HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN), _):
                raise NotDone(
                    f"{self._url} takes a token with the scope admin for that, and for these ids:"
                    " see --token-file and --prefix."
                )
            case status, {"detail": str(detail)}:
                raise RaceError(f"{self._url} answered {status}: {detail}")
            case status, _:
                raise RaceError(f"{self._url} answered {status}, and not as the service does.")

    def _without_answer(self, reason: Exception | None) -> RaceError:
        match reason:
            case SSLError():
                return NotDone(f"{self._url} is not trusted: {reason}")
            case NewConnectionError() | ConnectTimeoutError():
                return NotDone(f"No service answers at {self._url}. Start one with `es-counters serve`.")
            case _:
                return RaceError(f"{self._url} did not answer: {reason}")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
