"""One write for the increments of all requests that wait: *group commit*, as databases do it with their logs.

A write costs about the same whether it adds one amount or a hundred. So while one is under way those who come are
gathered, and the next takes all of them along; each is answered once the write that it was part of is acknowledged,
and with what it alone came to.

A write that could begin also waits a little for those that are about to join, which are the requests that this
process serves already. Who is alone waits for nobody. (PostgreSQL calls the two ``commit_delay`` and
``commit_siblings``.)

Source: https://www.postgresql.org/docs/current/wal-configuration.html
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from service import deadlines
from service.admission import UNDER_WAY, UnderWay
from service.counters import Applied, Increment
from service.errors import CounterError, Outcome, OutOfTime, StorageUnavailable
from service.storage.protocol import Additions

MAX_WAITING: Final = 10_000
"""How many increments may wait to be written; who comes then is refused."""

LINGER: Final = 0.005
"""Seconds that a write waits at most for those that are about to join."""

Results = list[Applied | CounterError]


class Party:
    """Increments of one request, which go together, and the thread that waits for what they come to.

    Attributes:
        increments: What is asked.
        since: When it came, on the monotonic clock.
        deadline: When it is too late to send it, on the same clock.
        leads: Whether it was the first to come after a write had begun.
        is_sent: Whether it is on its way.
    """

    __slots__ = ("_answered", "_outcome", "deadline", "increments", "is_sent", "leads", "since")

    def __init__(self, increments: Sequence[Increment]) -> None:
        self.increments = increments
        self.since = time.monotonic()
        self.deadline = self.since + deadlines.remaining()
        self.leads = False
        self.is_sent = False
        self._outcome: Results | Exception = []
        self._answered = threading.Lock()
        self._answered.acquire()

    def wait(self, seconds: float) -> bool:
        """Wait for an answer for so long, and say whether there is one; once there is, do not call it again."""
        return self._answered.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))

    def answer(self, outcome: Results | Exception) -> None:
        """Tell what each increment came to, or what went wrong that never should."""
        self._outcome = outcome
        self._answered.release()

    def results(self) -> Results:
        """Return what was told."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


class GroupCommit:
    """Adds to counters as a repository does, for all threads of the process together.

    Args:
        repository: What writes.
        under_way: The requests that the process serves, the threads of which may be about to join.

    Attributes:
        waiting: How many increments wait for a write to begin.
    """

    def __init__(self, repository: Additions, under_way: UnderWay = UNDER_WAY) -> None:
        self._repository = repository
        self._under_way = under_way
        self._mutex = threading.Lock()
        self._queue: deque[Party] = deque()
        self.waiting = 0
        self._is_writing = False
        self._may_write = threading.Lock()
        self._may_write.acquire()
        self._has_writer = False
        under_way.on_end(self._write_if_complete)

    @property
    def batch(self) -> int:
        """As the repository has it."""
        return self._repository.batch

    def add(self, increment: Increment) -> Applied:
        """Add to a counter, together with whoever adds at the same time.

        Raises:
            OutOfTime: The caller's time was used up before the write began.
            StorageUnavailable: Too many wait already, or the caller's time was used up before the write was known of.
            CounterError: What the repository says of this increment.
        """
        [result] = self.add_each([increment])
        if isinstance(result, CounterError):
            raise result
        return result

    def add_each(self, increments: Sequence[Increment]) -> Results:
        """Add each, together with whoever adds at the same time; what is added to one counter is added in order."""
        if not increments:
            return []
        party = Party(increments)
        if not self._join(party):
            return [
                StorageUnavailable("The service is busy: too many increments wait already.")
                for _ in increments
            ]
        if party.leads:
            if party.wait(min(LINGER, deadlines.remaining())):
                return party.results()
            self._write_now()
        if party.wait(deadlines.remaining()):
            return party.results()
        return [self._give_up(party)] * len(increments)

    def _join(self, party: Party) -> bool:
        """Queue up, and begin to write if that completes the company; return False if there is no room."""
        with self._mutex:
            if self.waiting + len(party.increments) > MAX_WAITING:
                return False
            party.leads = not self._queue
            self._queue.append(party)
            self.waiting += len(party.increments)
            if not self._has_writer:
                self._has_writer = True
                threading.Thread(target=self._write_for_good, name="group commit", daemon=True).start()
            if self._is_complete():
                self._wake_writer()
        return True

    def _give_up(self, party: Party) -> CounterError:
        """Return what is true of an increment whose caller waits no longer."""
        with self._mutex:
            if party.is_sent:
                return StorageUnavailable(
                    "It is being written; what came of it was not known in time.", Outcome.UNKNOWN
                )
            if party in self._queue:
                self._queue.remove(party)
                self.waiting -= len(party.increments)
                # Those behind it have relied on it to look after the time.
                self._wake_writer()
            return OutOfTime()

    def _is_complete(self) -> bool:
        """Say whether everybody has joined who may be about to."""
        return self._under_way.count <= len(self._queue)

    def _write_if_complete(self) -> None:
        """Begin to write if it was a request that has now ended which was waited for."""
        if self._queue and not self._is_writing and self._is_complete():
            self._write_now()

    def _write_now(self) -> None:
        """Begin to write, whoever may be about to join."""
        with self._mutex:
            self._wake_writer()

    def _wake_writer(self) -> None:
        if self._queue and not self._is_writing:
            self._is_writing = True
            self._may_write.release()

    # In a thread of its own, so that nobody's deadline cuts off what others wait for.

    def _write_for_good(self) -> None:
        while True:
            self._may_write.acquire()
            self._write(self._take())
            while self._goes_on():
                self._write(self._take())

    def _take(self) -> list[Party]:
        """Take from the queue who goes along with the next write: all of them, but no more counters than is good."""
        parties: list[Party] = []
        counters: set[str] = set()
        with self._mutex:
            now = time.monotonic()
            while self._queue:
                party = self._queue[0]
                counters.update(increment.counter_id for increment in party.increments)
                if parties and len(counters) > self._repository.batch:
                    break
                self._queue.popleft()
                self.waiting -= len(party.increments)
                if party.deadline > now:
                    party.is_sent = True
                    parties.append(party)
        return parties

    def _goes_on(self) -> bool:
        """Say whether the next write begins at once; otherwise whoever leads the queue sees to it that it begins."""
        with self._mutex:
            self._is_writing = bool(self._queue) and (
                self._is_complete()
                or not self._queue[0].leads
                or self._queue[0].since + LINGER <= time.monotonic()
            )
            return self._is_writing

    def _write(self, parties: list[Party]) -> None:
        """Write what is asked, and tell everyone what it came to."""
        if not parties:
            return
        increments = [increment for party in parties for increment in party.increments]
        try:
            with deadlines.within(max(party.deadline for party in parties) - time.monotonic()):
                results = iter(self._repository.add_each(increments))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            for party in parties:
                party.answer(error)
        else:
            for party in parties:
                party.answer([*islice(results, len(party.increments))])
