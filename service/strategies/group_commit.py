"""One write for the increments of all requests that wait: *group commit*, as databases do it with their logs.

A write costs about the same whether it adds one amount or a hundred. So while one is under way those who come are
gathered, and the next takes all of them along; each is answered once the write that it was part of is acknowledged,
and with what it alone came to.

A write that could begin also waits for those that are about to join: tasks of the same loop, which comes to each of
them before it has nothing left to do. It does not wait for long, and who is alone waits for nobody. (PostgreSQL calls
such a wait ``commit_delay``, and has to guess how long it pays.)

Source: https://www.postgresql.org/docs/current/wal-configuration.html
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import Final

from service import deadlines, metrics, tracing
from service.counters import Applied, Increment
from service.errors import CounterError, Outcome, OutOfTime, StorageUnavailable
from service.retries import LEAST
from service.storage.protocol import Additions
from service.tasks import Latch, latch, loop_at_hand

MAX_QUEUED: Final = 10_000
"""How many increments may wait to be written; who comes then is refused."""

LARGEST: Final = 1_000
"""How many increments a write has at most, unless a single request brings more."""

LINGER: Final = 0.02
"""Seconds that a write waits at most for those that are about to join."""

Results = list[Applied | CounterError]


class Party:
    """Increments of one request, which go together, and the thread that waits for what they come to.

    Attributes:
        increments: What is asked.
        context: The context variables of the request.
        since: When it came, on the monotonic clock.
        deadline: When it is too late to send it, on the same clock.
        leads: Whether it came to an empty queue, and so looks after the time for those behind it.
        loop: What runs the task that waits; None if it is a thread.
        is_sent: Whether it is on its way.
    """

    __slots__ = (
        "_answered",
        "_failure",
        "_results",
        "context",
        "deadline",
        "increments",
        "is_sent",
        "leads",
        "loop",
        "since",
    )

    def __init__(self, increments: Sequence[Increment]) -> None:
        self.increments = increments
        self.context = copy_context()
        self.since = time.monotonic()
        self.deadline = self.since + deadlines.remaining()
        self.leads = False
        self.loop = loop_at_hand()
        self.is_sent = False
        self._results: Results = []
        self._failure: Exception | None = None
        self._answered = latch()

    def wait(self, until: float) -> bool:
        """Wait for an answer until then, and say whether there is one; once there is, do not call it again."""
        return self._answered.wait(max(0.0, until - time.monotonic()))

    def answer(self, results: Results) -> None:
        """Tell what each increment came to."""
        self._results = results
        self._answered.open()

    def fail(self, failure: Exception) -> None:
        """Tell that something went wrong which never should."""
        self._failure = failure
        self._answered.open()

    def results(self) -> Results:
        """Return what was told; raise an error of this thread's own where that is a failure, which others raise too."""
        if self._failure:
            raise RuntimeError("A write in company failed.") from self._failure
        return self._results


class GroupCommit:
    """Adds to counters as a repository does, for all threads of the process together, for as long as it lives.

    Everything that changes does so under ``_mutex``. The writer waits at ``_may_write``, which is opened whenever
    ``_is_writing`` becomes true, and by nothing else.

    Args:
        repository: What writes.

    Attributes:
        queued: How many increments wait for a write to begin.
    """

    def __init__(self, repository: Additions) -> None:
        self.queued = 0
        self._repository = repository
        self._mutex = threading.Lock()
        self._queue: deque[Party] = deque()
        self._has_writer = False
        self._is_writing = False
        self._may_write = Latch()
        self._last_write = 0.0

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
            # Others may be told the same object: it is to collect nobody's frames.
            raise result.with_traceback(None)
        return result

    def add_each(self, increments: Sequence[Increment]) -> Results:
        """Add each, together with whoever adds at the same time; what is added to one counter is added in order."""
        if not increments:
            return []
        party = Party(increments)
        if not self._join(party):
            busy = StorageUnavailable("The service is busy: too many increments wait already.")
            return [busy for _ in increments]
        if party.leads:
            if party.wait(min(party.since + LINGER, party.deadline)):
                return party.results()
            self._write_now()
        if party.wait(party.deadline):
            return party.results()
        return self._give_up(party)

    def _join(self, party: Party) -> bool:
        """Queue up, and see to it that a write begins; return False if there is no room."""
        with self._mutex:
            if self.queued + len(party.increments) > MAX_QUEUED:
                return False
            self._see_to_writer()
            party.leads = not self._queue
            self._queue.append(party)
            self.queued += len(party.increments)
            if self._is_due():
                self._wake_writer()
            elif party.leads and party.loop:
                party.loop.call_idle(self._write_now)
        return True

    def _see_to_writer(self) -> None:
        if not self._has_writer:
            threading.Thread(target=self._write_for_good, name="group commit", daemon=True).start()
            self._has_writer = True

    def _give_up(self, party: Party) -> Results:
        """Return what is true of increments whose caller waits no longer."""
        with self._mutex:
            if party.is_sent:
                if party.wait(0.0):
                    return party.results()
                lost = StorageUnavailable("It was not known in time whether it was written.", Outcome.UNKNOWN)
                return [lost for _ in party.increments]
            if party in self._queue:
                self._remove(party)
                # Those behind it have relied on it to look after the time.
                self._wake_writer()
        return [OutOfTime() for _ in party.increments]

    def _remove(self, party: Party) -> None:
        self._queue.remove(party)
        self.queued -= len(party.increments)

    def _is_due(self) -> bool:
        """Say whether a write is to begin, whoever else may be about to join."""
        if not self._queue:
            return False
        first = self._queue[0]
        return first.loop is None or not first.leads or first.since + LINGER <= time.monotonic()

    def _write_now(self) -> None:
        """Begin to write, whoever may be about to join."""
        with self._mutex:
            self._wake_writer()

    def _wake_writer(self) -> None:
        if self._queue and not self._is_writing:
            self._is_writing = True
            self._may_write.open()

    # In a thread of its own, so that nobody's deadline cuts off what others wait for.

    def _write_for_good(self) -> None:
        try:
            while True:
                self._may_write.wait()
                goes_on = True
                while goes_on:
                    tell = self._write(self._take())
                    # Before anybody is told, who may come back at once.
                    goes_on = self._goes_on()
                    tell()
                self._go_on_when_idle()
        finally:
            # Whatever has gone wrong, another writer goes on, at a door of its own.
            with self._mutex:
                self._has_writer = self._is_writing = False
                self._may_write = Latch()
                if self._queue:
                    self._see_to_writer()
                    self._wake_writer()

    def _take(self) -> list[Party]:
        """Take from the queue who goes along with the next write: all of them, unless that would be too much."""
        parties: list[Party] = []
        counters: set[str] = set()
        size = 0
        with self._mutex:
            now = time.monotonic()
            while self._queue:
                party = self._queue[0]
                if self._is_too_late(party, now):
                    self._remove(party)
                    party.answer([OutOfTime() for _ in party.increments])
                    continue
                size += len(party.increments)
                counters.update(increment.counter_id for increment in party.increments)
                if parties and (size > LARGEST or len(counters) > self._repository.batch):
                    break
                self._remove(party)
                party.is_sent = True
                parties.append(party)
        return parties

    def _is_too_late(self, party: Party, now: float) -> bool:
        """Say whether a write that begins now would leave a caller in doubt who has had to wait for another one.

        Who has not had to wait is owed a try, however little time there is.
        """
        left = party.deadline - now
        return left <= 0.0 or (left < LEAST and party.since < self._last_write)

    def _goes_on(self) -> bool:
        """Say whether the next write begins at once."""
        with self._mutex:
            self._last_write = time.monotonic()
            self._is_writing = self._is_due()
            return self._is_writing

    def _go_on_when_idle(self) -> None:
        """See to it that those who wait are written once their loop has come to all who have just been told."""
        with self._mutex:
            loop = self._queue[0].loop if self._queue else None
        if loop:
            loop.call(loop.call_idle, self._write_now)

    def _write(self, parties: list[Party]) -> Callable[[], None]:
        """Write what is asked, and return what tells everyone what it came to."""
        if not parties:
            return lambda: None
        increments = [increment for party in parties for increment in party.increments]
        try:
            metrics.written(len(increments), time.monotonic() - parties[0].since)
            # What is logged has the id of one of the requests at least: of one that is still there to tell of it.
            longest = max(parties, key=attrgetter("deadline"))
            results = longest.context.run(self._add_each, longest, parties, increments)
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            return partial(_fail, parties, error)
        return partial(_answer, parties, results)

    def _add_each(self, longest: Party, parties: list[Party], increments: list[Increment]) -> Results:
        """Write the increments of all, within the time of the one that waits longest."""
        deadlines.begin(longest.deadline - time.monotonic())
        with tracing.together([party.context for party in parties if party is not longest]):
            return self._repository.add_each(increments)


def _answer(parties: list[Party], results: Results) -> None:
    """Tell each what it came to."""
    left = iter(results)
    for party in parties:
        party.answer([*islice(left, len(party.increments))])


def _fail(parties: list[Party], failure: Exception) -> None:
    """Tell all of them that something went wrong which never should."""
    for party in parties:
        party.fail(failure)
