"""The log of operations, asked of Elasticsearch's two ways to write it and of the fake: they must be the same one."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.counters import MAX_VALUE, Applied, Counter, Increment
from service.errors import (
    CounterError,
    CounterOverflow,
    IdempotencyKeyExpired,
    IdempotencyKeyReused,
)
from service.operations import Operation
from service.storage.protocol import CounterRepository
from service.storage.repository import ElasticsearchCounters
from service.storage.writes import Script
from tests.fakes import InMemoryCounters

LIMIT = 3


def key(number: int) -> str:
    """Return a key that is younger than those of smaller numbers."""
    return f"0190163d{number:04x}7000" + "8" + 15 * "0"


def operation(counter_id: str, number: int, by: int = 1, fingerprint: str = "f") -> Increment:
    """Return an increment under a key."""
    return Increment(counter_id, by, Operation(key(number), fingerprint))


@dataclass(frozen=True)
class Way:
    """A way to apply an increment to a repository."""

    repository: CounterRepository
    apply: Callable[[CounterRepository, Increment], Applied]


def added(repository: CounterRepository, asked: Increment) -> Applied:
    """Let the storage add."""
    return repository.add(asked)


def added_in_a_list(repository: CounterRepository, asked: Increment) -> Applied:
    """Let the storage add, in a list of one."""
    [result] = repository.add_each([asked])
    if isinstance(result, CounterError):
        raise result
    return result


def compared_and_set(repository: CounterRepository, asked: Increment) -> Applied:
    """Read, add, and write under a condition."""
    step = asked.applied_to(repository.read(asked.counter_id))
    return Applied(step.value, repository.compare_and_set(step.counter), step.replayed)


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> CounterRepository:
    """Counters in Elasticsearch that remember three operations."""
    return ElasticsearchCounters(
        request.getfixturevalue("client"),
        alias=request.getfixturevalue("settings").counters_alias,
        timeout=30.0,
        script=Script.load(retry_on_conflict=0, log_limit=LIMIT),
    )


WAYS = [added, added_in_a_list, compared_and_set]


@pytest.fixture(params=["elasticsearch", "fake"])
def repository(request: pytest.FixtureRequest, real: CounterRepository) -> CounterRepository:
    """Each implementation in turn."""
    return real if request.param == "elasticsearch" else InMemoryCounters(log_limit=LIMIT)


@pytest.fixture(params=WAYS, ids=lambda apply: apply.__name__)
def way(request: pytest.FixtureRequest, repository: CounterRepository) -> Way:
    """Each way on each implementation."""
    return Way(repository, request.param)


def test_a_repetition_is_answered_and_not_applied(way: Way, counter_id: str) -> None:
    """It gets the value that the first one got, although others have counted since."""
    first = way.apply(way.repository, operation(counter_id, 1, by=5))
    way.apply(way.repository, Increment(counter_id, 10))

    again = way.apply(way.repository, operation(counter_id, 1, by=5))

    assert (5, False) == (first.value, first.replayed)
    assert (5, True) == (again.value, again.replayed)
    assert 15 == way.repository.read(counter_id).value


def test_a_repetition_is_written(way: Way, counter_id: str) -> None:
    """It stands at a new revision: to acknowledge it without a write would not make the first one durable."""
    first = way.apply(way.repository, operation(counter_id, 1))

    again = way.apply(way.repository, operation(counter_id, 1))

    assert again.revision != first.revision
    assert again.revision == way.repository.read(counter_id).revision


def test_a_key_stands_for_one_request(way: Way, counter_id: str) -> None:
    """Under another fingerprint it is refused, and nothing changes."""
    way.apply(way.repository, operation(counter_id, 1))
    before = way.repository.read(counter_id)

    with pytest.raises(IdempotencyKeyReused):
        way.apply(way.repository, operation(counter_id, 1, fingerprint="g"))

    assert before == way.repository.read(counter_id)


def test_a_key_belongs_to_a_counter(way: Way, counter_id: str) -> None:
    """On another counter it is another operation."""
    way.apply(way.repository, operation(counter_id, 1))

    other = way.apply(way.repository, operation(f"{counter_id}-other", 1, by=7))

    assert (7, False) == (other.value, other.replayed)


def test_what_may_have_been_forgotten_is_refused(way: Way, counter_id: str) -> None:
    """The oldest key goes first; it, and every unknown key older than it, is refused ever after."""
    for number in (4, 2, 6, 8):
        way.apply(way.repository, operation(counter_id, number))
    before = way.repository.read(counter_id)

    for number in (2, 1):
        with pytest.raises(IdempotencyKeyExpired):
            way.apply(way.repository, operation(counter_id, number))
    new = way.apply(way.repository, operation(counter_id, 9, by=0))

    assert (key(2), {key(4), key(6), key(8)}) == (before.log.floor, set(before.log.entries))
    assert (4, False) == (new.value, new.replayed)


def test_what_would_be_forgotten_at_once_is_refused(way: Way, counter_id: str) -> None:
    """A key older than all of a full log is not applied, since nothing would be left to know it by."""
    for number in (4, 6, 8):
        way.apply(way.repository, operation(counter_id, number))
    before = way.repository.read(counter_id)

    with pytest.raises(IdempotencyKeyExpired):
        way.apply(way.repository, operation(counter_id, 3))

    assert before == way.repository.read(counter_id)


def test_setting_a_counter_keeps_its_log(way: Way, counter_id: str) -> None:
    """A repetition after the counter was set is still one."""
    way.apply(way.repository, operation(counter_id, 1))
    way.repository.compare_and_set(way.repository.read(counter_id).set_to(100))

    again = way.apply(way.repository, operation(counter_id, 1))

    assert (1, True) == (again.value, again.replayed)
    assert 100 == way.repository.read(counter_id).value


def test_a_deleted_counter_is_not_brought_back(way: Way, counter_id: str) -> None:
    """A late repetition is answered, and the counter stays away; a new increment begins at 0."""
    way.apply(way.repository, operation(counter_id, 1, by=5))
    way.repository.delete(way.repository.read(counter_id))

    again = way.apply(way.repository, operation(counter_id, 1, by=5))
    gone = way.repository.read(counter_id)
    new = way.apply(way.repository, operation(counter_id, 2, by=3))

    assert (5, True) == (again.value, again.replayed)
    assert not gone.exists
    assert (3, False) == (new.value, new.replayed)
    assert way.repository.read(counter_id).exists


def test_an_overflow_is_not_logged(way: Way, counter_id: str) -> None:
    """What was refused may be tried again under the same key once there is room."""
    way.repository.compare_and_set(Counter.absent(counter_id).set_to(MAX_VALUE))

    with pytest.raises(CounterOverflow):
        way.apply(way.repository, operation(counter_id, 1))
    way.repository.compare_and_set(way.repository.read(counter_id).set_to(0))

    assert 1 == way.apply(way.repository, operation(counter_id, 1)).value


STEPS = st.lists(
    st.builds(operation, st.just("c"), st.integers(1, 9), st.integers(-3, 3), st.sampled_from("fg"))
    | st.builds(Increment, st.just("c"), st.sampled_from([1, 2**62]))
    | st.just("delete"),
    max_size=12,
)


@settings(max_examples=60)
@given(steps=STEPS)
def test_all_ways_come_to_the_same(real: CounterRepository, steps: list[Increment | str]) -> None:
    """Whatever is applied in whatever order, script, compare-and-set and fake answer alike and store the same."""
    id_ = f"test-{uuid.uuid4().hex}"
    fake = InMemoryCounters(log_limit=LIMIT)
    histories = [
        [outline(repository, apply, step, f"{id_}-{name}") for step in steps]
        for name, repository, apply in (
            ("added", real, added),
            ("in-a-list", real, added_in_a_list),
            ("set", real, compared_and_set),
            ("mixed", real, alternating()),
            ("fake", fake, added),
        )
    ]

    assert all(histories[0] == history for history in histories)


@pytest.mark.parametrize("asked", [[7, 2, None], [2, 7], [3], [8, 9, 10, 2]])
def test_a_lowered_limit_counts_when_something_is_added(
    real: CounterRepository, counter_id: str, asked: list[int | None]
) -> None:
    """What is refused forgets nothing for the others; what is added forgets what is too much by then."""
    fuller = InMemoryCounters(log_limit=6)
    for number in range(1, 7):
        fuller.add(operation(counter_id, number))
    full = fuller.read(counter_id)
    before = replace(full, log=replace(full.log, limit=LIMIT))
    alone = InMemoryCounters(log_limit=LIMIT)
    for repository in (alone, real):
        repository.overwrite(before)
    steps = [operation(counter_id, number) if number else Increment(counter_id) for number in asked]

    expected = [outline(alone, added, step, counter_id)[0] for step in steps]
    together = [
        type(result) if isinstance(result, CounterError) else (result.value, result.replayed)
        for result in real.add_each(steps)
    ]

    assert expected == together
    assert stored(alone, counter_id) == stored(real, counter_id)


@settings(max_examples=60)
@given(
    steps=STEPS.map(lambda steps: [step for step in steps if isinstance(step, Increment)]),
    size=st.integers(1, 6),
)
def test_increments_together_come_to_what_they_do_one_by_one(
    real: CounterRepository, steps: list[Increment], size: int
) -> None:
    """In one write each counts, is answered, or is refused as it would be alone, and the same is stored."""
    id_ = f"test-{uuid.uuid4().hex}"
    alone = InMemoryCounters(log_limit=LIMIT)
    expected = [outline(alone, added, step, id_)[0] for step in steps]
    together: list[object] = []
    for start in range(0, len(steps), size):
        part = [replace(step, counter_id=id_) for step in steps[start : start + size]]
        together.extend(
            type(result) if isinstance(result, CounterError) else (result.value, result.replayed)
            for result in real.add_each(part)
        )

    assert expected == together
    assert stored(alone, id_) == stored(real, id_)


def alternating() -> Callable[[CounterRepository, Increment], Applied]:
    """Return a way that is another one each time."""
    turns = iter(WAYS * 12)

    def apply(repository: CounterRepository, asked: Increment) -> Applied:
        return next(turns)(repository, asked)

    return apply


def outline(
    repository: CounterRepository,
    apply: Callable[[CounterRepository, Increment], Applied],
    step: Increment | str,
    counter_id: str,
) -> tuple[object, ...]:
    """Do a step, and return what it came to and what is stored then, without revisions."""
    answer: object
    try:
        if isinstance(step, Increment):
            applied = apply(repository, replace(step, counter_id=counter_id))
            answer = (applied.value, applied.replayed)
        else:
            seen = repository.read(counter_id)
            answer = "deleted"
            if seen.exists:
                repository.delete(seen)
    except CounterError as error:
        answer = type(error)
    return answer, *stored(repository, counter_id)


def stored(repository: CounterRepository, counter_id: str) -> tuple[object, ...]:
    """Return all that is stored of a counter but its revision."""
    counter = repository.read(counter_id)
    entries = {name: tuple(entry) for name, entry in counter.log.entries.items()}
    return counter.value, counter.exists, counter.log.floor, entries
