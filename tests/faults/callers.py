"""Callers of the service who keep account of what they asked for and were told."""

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Self

import urllib3

from loadtests.outcomes import PROBLEM, Answer, Increment, Outcome, from_reply
from tests.api import Api
from tests.faults.cases import Case
from tests.faults.figures import Figures, anomalies_in
from tests.faults.tally import Tally
from tests.keys import uuid7

REPEATABLE: Final = frozenset({"/problems/unavailable", "/problems/conflicts-not-resolved"})
"""The problems after which a caller with a key sends the same again; any other is an error of the test's or worse."""

PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 0.5
"""Seconds between two replays, from the first to the longest."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer says of an increment, and the value if it was a success."""

    outcome: Outcome
    value: int | None = None


NOTHING: Final = Told(Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Callers who share a counter, or a few of them in lists, and a tally.

    Attributes:
        url: Of the service, or of a proxy in front of it.
        case: How they ask.
        counter_id: Their counter; those of lists begin with it.
        timeout: Seconds that one waits for an answer.
        patience: Seconds that one goes on replaying.
        pause: Seconds that one waits after a success, where they go on while a block lasts.
        tally: What they asked for and were told.
    """

    url: str
    case: Case
    counter_id: str
    timeout: float = 60.0
    patience: float = 120.0
    pause: float = 0.0
    tally: Tally = field(default_factory=Tally)

    @property
    def counter_ids(self) -> Sequence[str]:
        """The counter of each increment of a request: in a list one stands twice, beside another."""
        return (
            [self.counter_id, f"{self.counter_id}-b", self.counter_id]
            if self.case.in_lists
            else [self.counter_id]
        )

    def increment(self, times: int, *, callers: int = 1) -> None:
        """Let callers that start together send ``times`` requests each."""
        with self.incrementing(callers=callers, times=times):
            pass

    @contextlib.contextmanager
    def incrementing(self, *, callers: int, times: int | None = None) -> Iterator[Tally]:
        """Let callers that start together go on while the block lasts, and until each knows what became of its last.

        Args:
            callers: How many.
            times: How many requests each sends; if left out, as many as there is time for in the block.
        """
        barrier, over = threading.Barrier(callers), threading.Event()

        def call() -> None:
            with Caller(self) as caller:
                barrier.wait()
                for turn in itertools.count():
                    if over.is_set() if times is None else turn == times:
                        return
                    succeeded = caller.increment()
                    if times is None:
                        # Who was refused does not ask again at once.
                        over.wait(self.pause if succeeded else LONGEST_PAUSE)

        with ThreadPoolExecutor(callers) as pool:
            calls = [pool.submit(call) for _ in range(callers)]
            try:
                yield self.tally
            finally:
                over.set()
        for done in calls:
            done.result()

    def figures(self, api: Api, *, row: int, fault: str, struck: int, promised: bool = True) -> Figures:
        """Read the counters through ``api`` and return what the row came to, after all callers are done."""
        stored = {counter_id: _stored(api, counter_id) for counter_id in set(self.counter_ids)}
        tally = self.tally
        return Figures(
            row=row,
            fault=fault,
            struck=struck,
            strategy=self.case.name,
            keyed=self.case.keyed,
            requested=tally.requested,
            acknowledged=tally.acknowledged,
            refused=tally.firsts[Outcome.FAILED],
            unknown=tally.firsts[Outcome.UNKNOWN],
            resolved=tally.resolved,
            stored=sum(stored.values()),
            anomalies=(*tally.contradictions, *anomalies_in(tally.values, stored, self.case)),
            promised=promised,
        )


class Caller:
    """One of a crowd, with a connection of its own."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._last: tuple[str, list[Told]] | None = None
        self._pool = urllib3.connection_from_url(crowd.url, retries=False, timeout=crowd.timeout, maxsize=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def increment(self) -> bool:
        """Ask once and, with a key, again until it is known what became of it; return whether it succeeded at once.

        Raises:
            TimeoutError: It did not become known in time.
        """
        crowd, key = self._crowd, uuid7() if self._crowd.case.keyed else None
        crowd.tally.ask(len(crowd.counter_ids))
        firsts = told = self._send(key)
        crowd.tally.answer([first.outcome for first in firsts])
        if key and not _all_known(firsts):
            told = self._replayed(key, firsts)
        for counter_id, first, last in zip(crowd.counter_ids, firsts, told, strict=True):
            if last.value is not None:
                crowd.tally.settle(counter_id, first.outcome, last.value)
        if key:
            self._last = key, told
        return _all_known(firsts)

    def replay(self) -> None:
        """Send the last request again, which had a key and succeeded, and note if the answer is another one.

        Raises:
            TimeoutError: It did not succeed again in time.
        """
        assert self._last is not None
        key, told = self._last
        for answers in zip(told, self._replayed(key, [NOTHING] * len(told)), strict=True):
            self._agreed(*answers)

    def _replayed(self, key: str, told: list[Told]) -> list[Told]:
        """Send a request again until all of it is known, and return what is known then."""
        deadline, pause = time.monotonic() + self._crowd.patience, PAUSE
        while not _all_known(told):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{self._crowd.patience:g} s of replays have come to {told}.")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            told = [self._agreed(*answers) for answers in zip(told, self._send(key), strict=True)]
        return told

    def _agreed(self, before: Told, now: Told) -> Told:
        """Return what is known after a replay: a success stays what it was."""
        if before.value is None:
            return now
        if now.value not in (None, before.value):
            self._crowd.tally.contradict(f"first {before.value} was answered, and to the replay {now.value}")
        return before

    def _send(self, key: str | None) -> list[Told]:
        crowd = self._crowd
        headers = {"Content-Type": "application/json", **({"Idempotency-Key": f'"{key}"'} if key else {})}
        items = [{"id": counter_id, "by": 1} for counter_id in crowd.counter_ids]
        strategy = crowd.case.strategy
        if crowd.case.in_lists:
            path, body = f"/{strategy}", json.dumps({"increments": items})
        else:
            path, body = f"/{strategy}/{crowd.counter_id}", '{"by": 1}'
        try:
            reply = self._pool.request("POST", path, body=body, headers=headers)
        except urllib3.exceptions.NewConnectionError:
            return [Told(Outcome.FAILED)] * len(items)
        except urllib3.exceptions.HTTPError:
            crowd.tally.fall_silent()
            return [Told(Outcome.UNKNOWN)] * len(items)
        content_type = reply.headers.get("Content-Type", "")
        if reply.status != 200 or not crowd.case.in_lists:
            return [self._told(item, reply.status, content_type, reply.data) for item in items]
        return [
            self._told(
                item, result.get("status", 200), PROBLEM if "type" in result else content_type, _bytes(result)
            )
            for item, result in zip(items, json.loads(reply.data)["results"], strict=True)
        ]

    def _told(self, item: dict[str, Any], status: int, content_type: str, body: bytes) -> Told:
        asked = Increment(counter=item["id"], strategy=self._crowd.case.strategy, by=item["by"])
        answer: Answer = from_reply(status, content_type, body, asked)
        if answer.outcome is Outcome.ACKNOWLEDGED:
            return Told(answer.outcome, json.loads(body)["value"])
        assert not answer.malformed, body
        if content_type.startswith(PROBLEM):
            assert json.loads(body)["type"] in REPEATABLE, body
        return Told(answer.outcome)


def _all_known(told: list[Told]) -> bool:
    return all(item.value is not None for item in told)


def _bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


def _stored(api: Api, counter_id: str) -> int:
    """Read a counter; one that nobody has created holds nothing."""
    return 0 if api.get(f"/counters/{counter_id}").status_code == 404 else api.value_of(counter_id)
