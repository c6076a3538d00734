"""The strategies over a repository in memory: what each does when somebody writes between its read and its write."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.examples.cached import CACHED
from service.counters import MAX_VALUE, Applied, Counter, Increment, Incremented, Revision
from service.errors import (
    ConflictsNotResolved,
    CounterError,
    CounterOverflow,
    Outcome,
    OutOfTime,
    PreconditionFailed,
    VersionConflict,
)
from service.operations import Operation
from service.preconditions import HasVersion, MustExist
from service.retries import Retries
from service.storage.protocol import CounterRepository
from service.strategies import STRATEGIES, Strategy, occ
from service.strategies.lists import TryEach, increment_each, parts, rounds
from service.strategies.turns import Turns
from tests.fakes import InMemoryCounters

HELD: Mapping[str, Strategy[Any]] = {**STRATEGIES, "cached": CACHED}
"""The strategies that are held to this suite: the service's own, and the one that shows how to write another."""

RETRIES = Retries(max_attempts=5, base=0.0, cap=0.0, sleep=lambda _: None)


class Rival:
    """Adds 100 to a counter right before each of the first writes of somebody else."""

    def __init__(self, repository: InMemoryCounters, counter_id: str, times: int) -> None:
        self.repository = repository
        self.counter_id = counter_id
        self.times = times
        repository.before_write = self

    def __call__(self) -> None:
        """Write once, unless it has written often enough."""
        if self.times:
            self.times -= 1
            self.repository.before_write = lambda: None
            self.repository.add(Increment(self.counter_id, 100))
            self.repository.before_write = self


def revision_of(repository: InMemoryCounters, counter_id: str) -> Revision:
    """Return where a counter that exists stands."""
    revision = repository.read(counter_id).revision
    assert revision is not None
    return revision


@pytest.mark.parametrize("name", HELD)
def test_counts_alone(name: str) -> None:
    """Without anybody else, every strategy creates the counter and adds in one attempt."""
    repository = InMemoryCounters()

    storage = HELD[name].storage(repository)

    done = [HELD[name].increment(storage, Increment("c", by), RETRIES) for by in (3, -5, 0)]

    assert [3, -2, -2] == [each.applied.value for each in done]
    assert [(1, 0)] * 3 == [(each.attempts, each.conflicts) for each in done]


@pytest.mark.parametrize(
    ("name", "stored"), [("naive", 1), *((name, 101) for name in HELD if HELD[name].exactly_once)]
)
def test_a_rival_in_between(name: str, stored: int) -> None:
    """Naive erases what was written between its read and its write; the others count on top of it."""
    repository = InMemoryCounters()
    Rival(repository, "c", times=1)

    done = HELD[name].increment(HELD[name].storage(repository), Increment("c"), RETRIES)

    assert stored == done.applied.value == repository.read("c").value


def test_occ_starts_over_as_often_as_it_takes() -> None:
    """Each conflict costs an attempt, and the amount is added once."""
    repository = InMemoryCounters()
    Rival(repository, "c", times=4)

    done = occ.increment(Turns(repository), Increment("c"), RETRIES)

    assert Applied(401, revision_of(repository, "c")) == done.applied
    assert (5, 4) == (done.attempts, done.conflicts)


def test_occ_gives_up_without_writing() -> None:
    """Once the attempts are used up nothing has been added, and the error says how many there were."""
    repository = InMemoryCounters()
    Rival(repository, "c", times=99)

    with pytest.raises(ConflictsNotResolved) as caught:
        occ.increment(Turns(repository), Increment("c"), RETRIES)

    assert 5 == caught.value.attempts
    assert 500 == repository.read("c").value


class SentTwice(InMemoryCounters):
    """Counters behind something that sends each conditional write twice, and passes on the second answer alone."""

    def compare_and_set(self, counter: Counter) -> Revision:
        """Store under the condition, and be refused for what was stored."""
        super().compare_and_set(counter)
        raise VersionConflict(counter.id)


def test_occ_that_conflicts_with_itself_does_not_know() -> None:
    """Conflicts of an operation to the end do not mean that nothing was applied."""
    repository = SentTwice()
    operation = Operation("0190163d8694739baea5966c26f8ad91", "f")
    alone, listed = Increment("a", 1, operation), Increment("b", 1, operation)

    with pytest.raises(ConflictsNotResolved) as caught:
        occ.increment(Turns(repository), alone, RETRIES)
    [result] = increment_each(occ.try_each, rounds, Turns(repository), [listed], RETRIES)

    assert isinstance(result, ConflictsNotResolved)
    assert [Outcome.UNKNOWN] * 2 == [caught.value.outcome, result.outcome]
    assert [1, 1] == [repository.read(id_).value for id_ in "ab"]


def test_occ_with_a_required_version_tries_once() -> None:
    """A version that was right at the read and is stale at the write is refused, with both versions told."""
    repository = InMemoryCounters()
    seen = repository.add(Increment("c"))
    Rival(repository, "c", times=1)

    with pytest.raises(PreconditionFailed) as caught:
        occ.increment_if(Turns(repository), Increment("c"), RETRIES, HasVersion((str(seen.revision),)))

    assert (str(seen.revision), str(repository.read("c").revision)) == (
        caught.value.required,
        caught.value.current,
    )
    assert 101 == repository.read("c").value


def test_occ_with_any_version_does_not_create() -> None:
    """What must exist is not brought into being."""
    repository = InMemoryCounters()

    with pytest.raises(PreconditionFailed):
        occ.increment_if(Turns(repository), Increment("c"), RETRIES, MustExist())

    assert not repository.read("c").exists


@pytest.mark.parametrize("name", HELD)
def test_overflow_is_no_conflict(name: str) -> None:
    """It is told at once and not tried again."""
    repository = InMemoryCounters()
    repository.add(Increment("c", MAX_VALUE))
    before = repository.read("c")

    with pytest.raises(CounterOverflow):
        HELD[name].increment(HELD[name].storage(repository), Increment("c"), RETRIES)

    assert before == repository.read("c")


amounts = st.builds(Increment, st.sampled_from("abc"), st.integers(-5, 5))


@pytest.mark.parametrize("name", HELD)
@given(asked=st.lists(amounts, max_size=30))
def test_a_list_is_its_increments_one_after_another(name: str, asked: list[Increment]) -> None:
    """A list gives each item the value it would have had alone, in the order of the list."""
    one_by_one, at_once = InMemoryCounters(), InMemoryCounters()

    alone, together = (HELD[name].storage(counters) for counters in (one_by_one, at_once))
    expected = [HELD[name].increment(alone, item, RETRIES).applied.value for item in asked]
    results = increment_each(HELD[name].try_each, HELD[name].split, together, asked, RETRIES)

    assert expected == [result.applied.value for result in results if isinstance(result, Incremented)]
    assert all(one_by_one.read(id_).value == at_once.read(id_).value for id_ in "abc")


@given(asked=st.lists(amounts, max_size=30), batch=st.integers(1, 4))
def test_rounds_hold_every_position_once_and_no_counter_twice(asked: list[Increment], batch: int) -> None:
    """Nothing is left out, nothing doubled, and a counter's items stay in their order."""
    split = rounds(asked, batch)

    assert list(range(len(asked))) == sorted(position for round_ in split for position in round_)
    for round_ in split:
        ids = [asked[position].counter_id for position in round_]
        assert len(ids) == len(set(ids)) <= batch
    for id_ in "abc":
        positions = [position for round_ in split for position in round_ if asked[position].counter_id == id_]
        assert sorted(positions) == positions


@given(asked=st.lists(amounts, max_size=30), batch=st.integers(1, 4))
def test_parts_hold_every_position_once_and_every_counter_whole(asked: list[Increment], batch: int) -> None:
    """Nothing is left out, nothing doubled, and all that is for a counter goes out together, in its order."""
    split = parts(asked, batch)

    assert list(range(len(asked))) == sorted(position for part in split for position in part)
    counters = [{asked[position].counter_id for position in part} for part in split]
    assert len({id_ for part in counters for id_ in part}) == sum(map(len, counters))
    assert all(len(part) <= batch for part in counters)
    assert all(part == sorted(part) for part in split)


def conflicting(times: int) -> TryEach[CounterRepository]:
    """Return a try that reports counter ``c`` in conflict for the first times."""
    left = iter(range(times))

    def try_each(repository: CounterRepository, asked: Sequence[Increment]) -> list[Applied | CounterError]:
        in_conflict = next(left, None) is not None
        return [
            VersionConflict(item.counter_id)
            if in_conflict and item.counter_id == "c"
            else repository.add(item)
            for item in asked
        ]

    return try_each


def test_only_the_items_in_conflict_are_tried_again() -> None:
    """What was written is not sent a second time, and each item tells its own attempts."""
    repository = InMemoryCounters()

    results = increment_each(conflicting(2), rounds, repository, [Increment("c"), Increment("d")], RETRIES)

    assert [(1, 3, 2), (1, 1, 0)] == [
        (done.applied.value, done.attempts, done.conflicts)
        for done in results
        if isinstance(done, Incremented)
    ]


def test_an_item_in_conflict_for_good_fails_alone() -> None:
    """Its error says how often it was tried; the others are counted."""
    repository = InMemoryCounters()

    stuck, done = increment_each(
        conflicting(99), rounds, repository, [Increment("c"), Increment("d")], RETRIES
    )

    assert isinstance(stuck, ConflictsNotResolved)
    assert 5 == stuck.attempts
    assert isinstance(done, Incremented)
    assert 0 == repository.read("c").value


def test_a_list_stops_at_the_end_of_its_time() -> None:
    """Rounds that would begin too late are not begun, and their items are told as not applied."""
    left = iter([15.0, 5.0, 0.0])
    retries = Retries(max_attempts=5, base=0.0, cap=0.0, sleep=lambda _: None, remaining=lambda: next(left))
    repository = InMemoryCounters()

    results: list[Incremented | CounterError] = increment_each(
        STRATEGIES["scripted"].try_each, rounds, repository, [Increment("c")] * 5, retries
    )

    assert [Incremented, Incremented, Incremented, OutOfTime, OutOfTime] == [
        type(result) for result in results
    ]
    assert Counter("c", 3, repository.read("c").revision) == repository.read("c")


def test_without_time_a_list_has_its_first_round() -> None:
    """One try is owed to every caller, of a list as of a single increment."""
    retries = Retries(max_attempts=1, base=0.0, cap=0.0, remaining=lambda: 0.0)

    first, second = increment_each(
        STRATEGIES["occ"].try_each, rounds, Turns(InMemoryCounters()), [Increment("c")] * 2, retries
    )

    assert isinstance(first, Incremented)
    assert isinstance(second, OutOfTime)
