"""Group commit: who goes along with which write, and what each is told, whatever becomes of it."""

import selectors
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from unittest.mock import Mock

import pytest

from localnode.processes import wait_until
from service import deadlines
from service.counters import MAX_VALUE, Applied, Counter, Increment
from service.errors import CounterError, CounterOverflow, Outcome, OutOfTime, StorageUnavailable
from service.server.loop import MainLoop
from service.strategies import group_commit
from service.strategies.group_commit import GroupCommit, Party
from service.tasks import Task
from tests.fakes import InMemoryCounters

SECONDS = 60.0
"""How long a test waits for what must happen."""


class Gated(InMemoryCounters):
    """Counters whose writes stand still at a gate until it is opened, and which note who went along with which."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[list[Increment]] = []
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()
        self.fails_with: Exception | None = None

    def add_each(self, increments: Sequence[Increment]) -> list[Applied | CounterError]:
        """Stand still, then add to each, or fail."""
        self.writes.append([*increments])
        self.begun.release()
        assert self.gate.wait(SECONDS)
        if isinstance(self.fails_with, CounterError):
            return [self.fails_with] * len(increments)
        if self.fails_with:
            raise self.fails_with
        return super().add_each(increments)


class Office:
    """A group commit, and callers in threads of their own."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.storage = Gated()
        self.commit = GroupCommit(self.storage)
        self._pool = pool

    def call(
        self, *increments: Increment, seconds: float = SECONDS
    ) -> "Future[list[Applied | CounterError]]":
        """Have a caller ask, who waits for so long; return once it has its place."""
        before = self.commit.queued + sum(map(len, self.storage.writes))

        def ask() -> list[Applied | CounterError]:
            with deadlines.within(seconds):
                return self.commit.add_each(increments)

        answer = self._pool.submit(ask)
        has_place = wait_until(
            lambda: answer.done() or self.commit.queued + sum(map(len, self.storage.writes)) > before,
            timeout=SECONDS,
        )
        assert has_place
        return answer

    def hold(self) -> "Future[list[Applied | CounterError]]":
        """Have a caller whose write stands at the gate."""
        answer = self.call(Increment("first"))
        assert self.storage.begun.acquire(timeout=SECONDS)
        return answer


@pytest.fixture
def office() -> Iterator[Office]:
    """Return one, whose gate is open in the end."""
    with ThreadPoolExecutor(16) as pool:
        office = Office(pool)
        yield office
        office.storage.gate.set()


class Hall:
    """A group commit, and callers who are tasks of a loop, which the test turns.

    Attributes:
        told: What each caller was told, in the order in which they were.
    """

    def __init__(self, poller: selectors.BaseSelector, waking: socket.socket) -> None:
        self.storage = Gated()
        self.commit = GroupCommit(self.storage)
        self.told: list[object] = []
        self.loop = MainLoop(poller, lambda: waking.send(b"\0"))

    def expect(self, *increments: Increment, seconds: float = SECONDS) -> None:
        """Have a caller ask soon, who waits for so long."""

        def ask() -> None:
            with deadlines.within(seconds):
                self.told.extend(value(result) for result in self.commit.add_each(increments))

        self.loop.call(Task.begin, self.loop, ask)

    def turn_until_told(self, callers: int) -> None:
        """Turn until so many increments have been told what they came to."""
        while len(self.told) < callers:
            self.loop.turn(SECONDS)

    @property
    def sizes(self) -> list[int]:
        """How many went along with each write."""
        return [len(write) for write in self.storage.writes]


@pytest.fixture
def hall() -> Iterator[Hall]:
    """Return one, whose gate is open in the end."""
    awaited, waking = socket.socketpair()
    with awaited, waking, selectors.DefaultSelector() as poller:
        poller.register(awaited, selectors.EVENT_READ, lambda _: awaited.recv(100))
        hall = Hall(poller, waking)
        yield hall
        hall.storage.gate.set()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a write wait for those about to join as long as the test takes."""
    monkeypatch.setattr(group_commit, "LINGER", SECONDS)


def value(result: Applied | CounterError) -> object:
    """Return the value of a success, the kind of a failure."""
    return result.value if isinstance(result, Applied) else type(result)


def test_who_comes_while_one_writes_goes_along_with_the_next(office: Office) -> None:
    """All who waited are in one write, each is answered its own value, and each has counted."""
    first = office.hold()
    others = [office.call(Increment("c", by)) for by in (1, 10, 100)]
    office.storage.gate.set()

    assert [1] == [value(result) for result in first.result(SECONDS)]
    assert [1, 11, 111] == [value(result) for other in others for result in other.result(SECONDS)]
    assert [1, 3] == [len(write) for write in office.storage.writes]
    assert 111 == office.storage.read("c").value


@pytest.mark.usefixtures("patient")
def test_who_is_alone_waits_for_nobody(hall: Hall) -> None:
    """Once the loop has nothing else to do the write begins."""
    hall.storage.gate.set()
    hall.expect(Increment("c"))
    hall.turn_until_told(1)

    assert [1] == hall.told


@pytest.mark.usefixtures("patient")
def test_a_write_waits_for_those_about_to_join(hall: Hall) -> None:
    """It begins when the loop has come to all of them, in whatever turn."""
    hall.storage.gate.set()
    hall.expect(Increment("c"))
    hall.loop.turn(0.0)
    hall.expect(Increment("c"))
    hall.expect(Increment("c"))
    hall.turn_until_told(3)

    assert [1, 2, 3] == hall.told
    assert [3] == hall.sizes


@pytest.mark.usefixtures("patient")
def test_those_who_come_back_go_along_with_those_who_wait(hall: Hall) -> None:
    """At the end of a write the next one waits for whoever the loop then comes to."""
    hall.expect(Increment("c"))
    hall.loop.turn(0.0)
    hall.loop.turn(0.0)
    assert hall.storage.begun.acquire(timeout=SECONDS)
    hall.expect(Increment("c"))
    hall.loop.turn(0.0)
    hall.storage.gate.set()
    while not hall.told:
        hall.loop.turn(0.0)
        if hall.told:
            hall.expect(Increment("c"))
    hall.turn_until_told(3)

    assert [1, 2, 3] == hall.told
    assert [1, 2] == hall.sizes


def test_a_write_does_not_wait_for_long(hall: Hall) -> None:
    """However busy the loop is."""
    hall.storage.gate.set()
    hall.expect(Increment("c"))

    def go_on() -> None:
        if not hall.told:
            hall.loop.call(go_on)

    go_on()
    hall.turn_until_told(1)

    assert [1] == hall.told


@pytest.mark.usefixtures("patient")
def test_who_gives_up_leaves_nobody_behind(hall: Hall) -> None:
    """Those who came after the first do not wait for it to look after the time, while the loop is busy."""
    hall.storage.gate.set()
    hall.expect(Increment("c", 5), seconds=0.05)
    hall.expect(Increment("c", 1))

    def go_on() -> None:
        if len(hall.told) < 2:
            hall.loop.call(go_on)

    go_on()
    hall.turn_until_told(2)

    assert [OutOfTime, 1] == hall.told


@pytest.mark.usefixtures("patient")
def test_a_thread_waits_for_nobody(office: Office) -> None:
    """Nobody knows of any other that is about to join, and so the write begins at once."""
    office.storage.gate.set()

    assert [1] == [value(result) for result in office.call(Increment("c")).result(SECONDS)]


def test_who_gives_up_in_the_queue_has_not_counted(office: Office) -> None:
    """A caller whose time is up before its write begins is told so, and is left out of it."""
    office.hold()
    impatient = office.call(Increment("c", 5), seconds=0.05)
    patient = office.call(Increment("c", 1))
    given_up = impatient.result(SECONDS)
    office.storage.gate.set()

    assert [OutOfTime] == [value(result) for result in given_up]
    assert [1] == [value(result) for result in patient.result(SECONDS)]
    assert 1 == office.storage.read("c").value


def test_who_gives_up_during_the_write_does_not_know(office: Office) -> None:
    """What is under way may count, whatever its caller is told; whoever waits on is told."""
    impatient = office.call(Increment("c", 5), seconds=0.5)
    assert office.storage.begun.acquire(timeout=SECONDS)
    [given_up] = impatient.result(SECONDS)
    patient = office.call(Increment("c", 1))
    office.storage.gate.set()

    assert isinstance(given_up, StorageUnavailable)
    assert Outcome.UNKNOWN is given_up.outcome
    assert [6] == [value(result) for result in patient.result(SECONDS)]


def test_who_has_waited_is_not_sent_at_the_last_moment(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a wait for another write, one that would end in doubt is not begun; without a wait it is."""
    monkeypatch.setattr(group_commit, "LEAST", SECONDS)
    first = office.call(Increment("c", 1), seconds=SECONDS / 2)
    assert office.storage.begun.acquire(timeout=SECONDS)
    second = office.call(Increment("c", 5), seconds=SECONDS / 2)
    office.storage.gate.set()

    assert [1] == [value(result) for result in first.result(SECONDS)]
    assert [OutOfTime] == [value(result) for result in second.result(SECONDS)]
    assert 1 == office.storage.read("c").value


def test_a_writer_that_cannot_be_started_is_started_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no thread to be had nothing is queued, and the next request tries again."""
    office.storage.gate.set()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", Mock(side_effect=RuntimeError("can't start new thread")))
        with pytest.raises(RuntimeError):
            office.commit.add(Increment("c"))

    assert 0 == office.commit.queued
    assert 1 == office.commit.add(Increment("c")).value


def test_what_is_logged_names_a_request(office: Office) -> None:
    """The write has the context variables of one of those who share it."""
    office.storage.gate.set()
    variable: ContextVar[str] = ContextVar("request")
    seen = []
    office.storage.before_write = lambda: seen.append(variable.get())
    variable.set("the first")

    office.commit.add(Increment("c"))

    assert ["the first"] == seen


def test_a_shared_write_is_noted_with_who_waits_longest(office: Office) -> None:
    """The others may have given up by the time that there is something to note."""
    variable: ContextVar[str] = ContextVar("request", default="")
    seen = []

    def ask(name: str, seconds: float) -> None:
        variable.set(name)
        with deadlines.within(seconds):
            office.commit.add(Increment(name))

    def are_queued(number: int) -> bool:
        return wait_until(lambda: office.commit.queued == number, timeout=SECONDS)

    first = office.hold()
    with ThreadPoolExecutor(3) as pool:
        for number, (name, seconds) in enumerate({"hasty": 30.0, "patient": 60.0, "late": 30.0}.items(), 1):
            pool.submit(ask, name, seconds)
            assert are_queued(number)
        office.storage.before_write = lambda: seen.append(variable.get())
        office.storage.gate.set()
        first.result(SECONDS)

    assert ["patient"] * 3 == seen[-3:]


def test_what_is_refused_is_refused_alone(office: Office) -> None:
    """The others in the same write count."""
    office.storage.compare_and_set(Counter.absent("full").set_to(MAX_VALUE))
    office.hold()
    callers = [office.call(Increment(id_)) for id_ in ("c", "full", "c")]
    office.storage.gate.set()

    assert [1, CounterOverflow, 2] == [value(result) for each in callers for result in each.result(SECONDS)]


def test_what_nobody_knows_is_unknown_to_all(office: Office) -> None:
    """A write without an answer is no success for anybody, and the next one goes on."""
    office.storage.fails_with = StorageUnavailable("No answer.", Outcome.UNKNOWN)
    first = office.hold()
    callers = [office.call(Increment("c")) for _ in range(3)]
    office.storage.gate.set()
    results = [result for caller in (first, *callers) for result in caller.result(SECONDS)]
    office.storage.fails_with = None

    assert [Outcome.UNKNOWN] * 4 == [
        result.outcome for result in results if isinstance(result, StorageUnavailable)
    ]
    assert [1] == [value(result) for result in office.call(Increment("c")).result(SECONDS)]


def test_what_should_never_happen_reaches_all_and_stops_nobody(office: Office) -> None:
    """A bug is raised where it was waited for, and the writer lives."""
    office.storage.fails_with = ZeroDivisionError()
    callers = [office.hold(), office.call(Increment("c"))]
    office.storage.gate.set()
    failures = [caller.exception(SECONDS) for caller in callers]
    office.storage.fails_with = None

    assert [RuntimeError, RuntimeError] == [type(failure) for failure in failures]
    assert [ZeroDivisionError, ZeroDivisionError] == [
        type(failure.__cause__) for failure in failures if failure
    ]
    assert [1] == [value(result) for result in office.call(Increment("c")).result(SECONDS)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_ends_is_followed_by_another(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was with it does not know what came of it; who waits already is served, and who comes then."""
    answer, fails = Party.answer, iter([True])

    def fail_once(party: Party, results: list[Applied | CounterError]) -> None:
        if next(fails, False):
            raise MemoryError
        answer(party, results)

    monkeypatch.setattr(Party, "answer", fail_once)
    caller = office.call(Increment("c"), seconds=1.0)
    assert office.storage.begun.acquire(timeout=SECONDS)
    waiting = office.call(Increment("c"))
    office.storage.gate.set()
    [lost] = caller.result(SECONDS)

    assert isinstance(lost, StorageUnavailable)
    assert Outcome.UNKNOWN is lost.outcome
    assert [2] == [value(result) for result in waiting.result(SECONDS)]
    assert [3] == [value(result) for result in office.call(Increment("c")).result(SECONDS)]


def test_too_many_are_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds no place is told at once that nothing was done; there is room again after the write."""
    monkeypatch.setattr(group_commit, "MAX_QUEUED", 3)
    office.hold()
    queued = office.call(*[Increment("c")] * 3)
    [refused] = office.call(Increment("c")).result(SECONDS)
    office.storage.gate.set()
    queued.result(SECONDS)

    assert isinstance(refused, StorageUnavailable)
    assert Outcome.NOT_APPLIED is refused.outcome
    assert [4] == [value(result) for result in office.call(Increment("c")).result(SECONDS)]


def test_a_write_has_no_more_counters_than_is_good(office: Office) -> None:
    """The others are written right after it; on one counter there may be any number."""
    office.hold()
    callers = [office.call(Increment(id_)) for id_ in ("a", "a", "a", "b", "c", "d", "e")]
    office.storage.gate.set()
    for caller in callers:
        caller.result(SECONDS)

    assert 3 == office.storage.batch
    assert ["first", "aaabc", "de"] == [
        "".join(increment.counter_id for increment in write) for write in office.storage.writes
    ]


def test_every_caller_of_a_crowd_is_answered_its_own_value(office: Office) -> None:
    """With many threads and nobody holding anything, no value is missing and none is there twice."""
    office.storage.gate.set()

    def ask(_number: int) -> list[int]:
        return [office.commit.add(Increment("c")).value for _ in range(50)]

    with ThreadPoolExecutor(16) as pool:
        values = [each for part in pool.map(ask, range(16)) for each in part]

    assert list(range(1, 801)) == sorted(values)
    assert 800 == office.storage.read("c").value
