"""Turns: threads at one counter go one after the other, and each begins with what the one before has written."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from localnode.processes import wait_until
from service import deadlines
from service.counters import MAX_VALUE, Counter, Increment, Incremented, Revision
from service.errors import ConflictsNotResolved, OutOfTime, StorageUnavailable
from service.retries import Retries
from service.strategies import occ
from service.strategies.turns import Turns
from tests.fakes import InMemoryCounters

SECONDS = 60.0
RETRIES = Retries(max_attempts=3, base=0.0, cap=0.0)


class Counted(InMemoryCounters):
    """Counters that say how often they were read, and whose writes stand still until they may go on.

    Attributes:
        stored: The counters themselves, as another process sees them.
        after_write: What happens once, right after the next write.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stored = InMemoryCounters()
        self.reads = 0
        self.after_write: Callable[[], object] = lambda: None
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Semaphore(0)

    def read(self, counter_id: str) -> Counter:
        """Count, and look it up."""
        self.reads += 1
        return self.stored.read(counter_id)

    def compare_and_set(self, counter: Counter) -> Revision:
        """Stand still, then store."""
        self.begun.release()
        assert self.may_go_on.acquire(timeout=SECONDS)
        if counter.value < 0:
            raise StorageUnavailable("Broken.")
        revision = self.stored.compare_and_set(counter)
        self.after_write, after = lambda: None, self.after_write
        after()
        return revision


class Scene:
    """Threads that increment, of which one has its turn."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.repository = Counted()
        self.turns = Turns(self.repository)
        self._pool = pool

    def increment(
        self, by: int = 1, counter_id: str = "c", seconds: float = SECONDS
    ) -> "Future[Incremented]":
        """Have a thread increment, within a time."""
        has_begun = threading.Event()

        def run() -> Incremented:
            with deadlines.within(seconds):
                has_begun.set()
                return occ.increment(self.turns, Increment(counter_id, by), RETRIES)

        future = self._pool.submit(run)
        assert has_begun.wait(SECONDS)
        return future

    def writes(self) -> None:
        """Wait until a thread is about to write."""
        assert self.repository.begun.acquire(timeout=SECONDS)

    def go_on(self, times: int = 1) -> None:
        """Let so many writes be done."""
        self.repository.may_go_on.release(times)


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Return one, whose writes all go on in the end."""
    with ThreadPoolExecutor(8) as pool:
        scene = Scene(pool)
        yield scene
        scene.go_on(100)


def test_who_comes_second_neither_reads_nor_conflicts(scene: Scene) -> None:
    """What the first has written is where the second begins."""
    first = scene.increment()
    scene.writes()
    second = scene.increment(10)
    assert wait_until(lambda: scene.turns.waiting == 1, timeout=SECONDS)
    scene.go_on(2)

    assert 1 == first.result(SECONDS).applied.value
    assert (11, 0) == (second.result(SECONDS).applied.value, second.result(SECONDS).conflicts)
    assert 1 == scene.repository.reads


def test_other_counters_do_not_wait(scene: Scene) -> None:
    """A turn is one at a counter."""
    first = scene.increment()
    scene.writes()
    other = scene.increment(counter_id="d")
    scene.writes()
    scene.go_on(2)

    assert [1, 1] == [each.result(SECONDS).applied.value for each in (first, other)]


def test_what_is_known_may_be_stale(scene: Scene) -> None:
    """Where another process has written since, the condition refuses it, and a fresh read counts on top."""
    first = scene.increment()
    scene.writes()
    second = scene.increment(10)
    scene.go_on()
    first.result(SECONDS)
    scene.writes()
    scene.repository.stored.add(Increment("c", 100))
    scene.go_on(2)

    done = second.result(SECONDS)
    assert (111, 2, 1) == (done.applied.value, done.attempts, done.conflicts)


def test_no_overflow_rests_on_what_is_known(scene: Scene) -> None:
    """Where another process has made room since, the increment fits."""
    first = scene.increment(MAX_VALUE)
    scene.writes()
    second = scene.increment(10)
    assert wait_until(lambda: scene.turns.waiting == 1, timeout=SECONDS)
    scene.repository.after_write = lambda: scene.repository.stored.add(Increment("c", -100))
    scene.go_on(2)

    assert MAX_VALUE == first.result(SECONDS).applied.value
    assert (MAX_VALUE - 90, 0) == (second.result(SECONDS).applied.value, second.result(SECONDS).conflicts)


def test_a_failure_leaves_nothing_to_begin_with(scene: Scene) -> None:
    """After a write that failed the next reads for itself."""
    failing = scene.increment(-5)
    scene.writes()
    second = scene.increment(1)
    before = scene.repository.reads
    scene.go_on(2)

    assert isinstance(failing.exception(SECONDS), StorageUnavailable)
    assert 1 == second.result(SECONDS).applied.value
    assert before + 1 == scene.repository.reads


def test_a_turn_that_does_not_come_in_time_is_given_up(scene: Scene) -> None:
    """Its increment has not counted, and those behind it have their turns."""
    first = scene.increment()
    scene.writes()
    impatient = scene.increment(10, seconds=0.05)
    given_up = impatient.exception(SECONDS)
    third = scene.increment(100)
    scene.go_on(2)

    assert isinstance(given_up, OutOfTime)
    assert [1, 101] == [each.result(SECONDS).applied.value for each in (first, third)]


def test_a_crowd_meets_no_conflict(scene: Scene) -> None:
    """Threads of one process never refuse each other, and read once at most each time the queue was empty."""
    scene.go_on(400)
    with ThreadPoolExecutor(8) as pool:
        done = [
            *pool.map(lambda _: occ.increment(scene.turns, Increment("c"), RETRIES), range(400)),
        ]

    assert list(range(1, 401)) == sorted(each.applied.value for each in done)
    assert {0} == {each.conflicts for each in done}


def test_conflicts_without_end_are_given_up(scene: Scene) -> None:
    """A turn ends whatever becomes of it."""
    stored = scene.repository.stored

    def rival() -> None:
        stored.before_write = lambda: None
        stored.add(Increment("c", 100))
        stored.before_write = rival

    stored.before_write = rival
    scene.go_on(3)
    failing = scene.increment()

    assert isinstance(failing.exception(SECONDS), ConflictsNotResolved)
