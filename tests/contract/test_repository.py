"""What the strategies rely on, asked of Elasticsearch and of the fake that stands for it in unit tests."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from elasticsearch import Elasticsearch

from service.counters import MAX_VALUE, MIN_VALUE, Applied, Counter, Increment, Revision
from service.errors import CounterError, CounterOverflow, VersionConflict
from service.settings import Settings
from service.storage.protocol import CounterRepository
from service.storage.repository import ElasticsearchCounters
from service.storage.writes import Script
from tests.fakes import InMemoryCounters

NEVER = Revision(primary_term=1, seq_no=10**9)


@dataclass(frozen=True)
class Subject:
    """A repository, and how to make its writes visible to `list`."""

    repository: CounterRepository
    refresh: Callable[[], object]


@pytest.fixture(params=["elasticsearch", "fake"])
def subject(request: pytest.FixtureRequest) -> Subject:
    """Each implementation in turn."""
    if request.param == "fake":
        return Subject(InMemoryCounters(), lambda: None)
    settings: Settings = request.getfixturevalue("settings")
    client: Elasticsearch = request.getfixturevalue("client")
    repository = ElasticsearchCounters(
        client,
        alias=settings.counters_alias,
        timeout=settings.elasticsearch_timeout,
        script=Script.load(
            retry_on_conflict=settings.scripted_retry_on_conflict, log_limit=settings.idempotency_log_size
        ),
    )
    return Subject(repository, lambda: client.indices.refresh(index=settings.counters_alias))


@pytest.fixture
def repository(subject: Subject) -> CounterRepository:
    """The implementation alone."""
    return subject.repository


def created(repository: CounterRepository, counter_id: str, value: int) -> Counter:
    """Make a counter that is not there yet."""
    return stored(repository, Counter.absent(counter_id), value)


def stored(repository: CounterRepository, seen: Counter, value: int) -> Counter:
    """Set a counter that must be as it was seen."""
    after = seen.set_to(value)
    return replace(after, revision=repository.compare_and_set(after))


def test_a_counter_that_nobody_wrote_is_absent(repository: CounterRepository, counter_id: str) -> None:
    """It reads as 0 and has no revision."""
    assert Counter.absent(counter_id) == repository.read(counter_id)


def test_a_write_is_read_at_once(repository: CounterRepository, counter_id: str) -> None:
    """What a write returns is what the next read finds, revision included."""
    written = created(repository, counter_id, 5)

    assert 5 == written.value
    assert written == repository.read(counter_id)


@pytest.mark.parametrize("value", [MIN_VALUE, -(2**53) - 1, 0, 2**31, 2**53 + 1, MAX_VALUE])
def test_values_are_exact(repository: CounterRepository, counter_id: str, value: int) -> None:
    """Values that a double or a 32-bit integer cannot hold come back as they went in."""
    created(repository, counter_id, value)

    assert value == repository.read(counter_id).value


def test_compare_and_set_needs_the_revision(repository: CounterRepository, counter_id: str) -> None:
    """It writes over what was seen, and over nothing else."""
    first = created(repository, counter_id, 1)
    second = stored(repository, first, 2)

    with pytest.raises(VersionConflict):
        stored(repository, first, 3)

    assert second == repository.read(counter_id)


def test_compare_and_set_creates_only_once(repository: CounterRepository, counter_id: str) -> None:
    """What was seen absent must still be absent."""
    first = created(repository, counter_id, 1)

    with pytest.raises(VersionConflict):
        created(repository, counter_id, 2)

    assert first == repository.read(counter_id)


def test_compare_and_set_after_a_delete_conflicts(repository: CounterRepository, counter_id: str) -> None:
    """A counter that was deleted is no longer at the revision that was seen, also if it is back."""
    seen = created(repository, counter_id, 1)
    repository.delete(seen)

    with pytest.raises(VersionConflict):
        stored(repository, seen, 2)

    created(repository, counter_id, 1)
    with pytest.raises(VersionConflict):
        stored(repository, seen, 2)


def test_overwrite_asks_nothing(repository: CounterRepository, counter_id: str) -> None:
    """It writes over whatever is there, seen or not."""
    stale = created(repository, counter_id, 1)
    stored(repository, stale, 2)

    revision = repository.overwrite(stale.set_to(9))

    assert Counter(counter_id, 9, revision) == repository.read(counter_id)


def test_add_creates_and_adds(repository: CounterRepository, counter_id: str) -> None:
    """It begins at 0, and returns the value and the revision right after the addition."""
    added = [repository.add(Increment(counter_id, by)) for by in (5, -7, 0)]

    assert [5, -2, -2] == [applied.value for applied in added]
    assert Counter(counter_id, -2, added[-1].revision) == repository.read(counter_id)


@pytest.mark.parametrize(
    ("value", "by"),
    [(2**31 - 1, 1), (-(2**31), -1), (2**53, 1), (0, 2**40), (MAX_VALUE - 1, 1), (MIN_VALUE, MAX_VALUE)],
)
def test_add_is_exact(repository: CounterRepository, counter_id: str, value: int, by: int) -> None:
    """No sum wraps where a 32-bit integer would, nor is it rounded where a double would."""
    created(repository, counter_id, value)

    added = repository.add(Increment(counter_id, by))

    assert value + by == added.value == repository.read(counter_id).value


@pytest.mark.parametrize(
    ("value", "by"), [(MAX_VALUE, 1), (MIN_VALUE, -1), (MAX_VALUE, MAX_VALUE), (MIN_VALUE, MIN_VALUE)]
)
def test_overflow_is_refused_and_changes_nothing(
    repository: CounterRepository, counter_id: str, value: int, by: int
) -> None:
    """The addition refuses a value beyond 64 bits, alone and in a list."""
    before = created(repository, counter_id, value)

    with pytest.raises(CounterOverflow):
        repository.add(Increment(counter_id, by))
    [result] = repository.add_each([Increment(counter_id, by)])

    assert isinstance(result, CounterOverflow)
    assert before == repository.read(counter_id)


def test_lists_answer_item_by_item(repository: CounterRepository, counter_id: str) -> None:
    """What fails fails alone, in its place; the others are written."""
    full = created(repository, f"{counter_id}-full", MAX_VALUE)
    stale = created(repository, f"{counter_id}-stale", 1)
    fresh = stored(repository, stale, 2)
    absent = Counter.absent(f"{counter_id}-absent")

    set_ = repository.compare_and_set_each([stale.set_to(9), absent.set_to(3)])
    added = repository.add_each([Increment(full.id), Increment(fresh.id), Increment(f"{counter_id}-new", 4)])
    read = repository.read_each([full.id, fresh.id, absent.id, f"{counter_id}-new", f"{counter_id}-never"])

    assert [VersionConflict, Revision] == [type(result) for result in set_]
    assert [CounterOverflow, 3, 4] == [outline(result) for result in added]
    assert [MAX_VALUE, 3, 3, 4, 0] == [outline(result) for result in read]


def outline(result: Counter | Applied | CounterError) -> object:
    """Reduce a result to its value, or to the kind of its error."""
    return type(result) if isinstance(result, CounterError) else result.value


def test_lists_return_what_single_calls_would(repository: CounterRepository, counter_id: str) -> None:
    """A counter from a list has the revision that its next conditional write needs."""
    [added] = repository.add_each([Increment(counter_id, 2)])
    assert isinstance(added, Applied)
    [revision] = repository.compare_and_set_each([Counter(counter_id, 5, added.revision)])
    assert isinstance(revision, Revision)
    [overwritten] = repository.overwrite_each([Counter(counter_id, 6, revision)])
    assert isinstance(overwritten, Revision)

    assert [Counter(counter_id, 6, overwritten)] == repository.read_each([counter_id])
    assert Counter(counter_id, 6, overwritten) == repository.read(counter_id)


def test_only_the_last_of_several_additions_has_a_revision(
    repository: CounterRepository, counter_id: str
) -> None:
    """What one write has added to a counter before it never stood there by itself."""
    ids = [counter_id, f"{counter_id}-other", counter_id, counter_id]

    added = repository.add_each([Increment(id_) for id_ in ids])

    assert [None, repository.read(ids[1]).revision, None, repository.read(counter_id).revision] == [
        result.revision for result in added if isinstance(result, Applied)
    ]


def test_empty_lists_are_answered_with_none(repository: CounterRepository) -> None:
    """Nothing asked, nothing answered."""
    assert [] == repository.read_each([])
    assert [] == repository.overwrite_each([])
    assert [] == repository.compare_and_set_each([])
    assert [] == repository.add_each([])


def test_delete_needs_the_revision(repository: CounterRepository, counter_id: str) -> None:
    """It removes what was seen, and nothing else."""
    stale = created(repository, counter_id, 1)
    fresh = stored(repository, stale, 2)

    with pytest.raises(VersionConflict):
        repository.delete(stale)
    assert fresh == repository.read(counter_id)

    repository.delete(fresh)
    assert not repository.read(counter_id).exists


def test_delete_of_nothing(repository: CounterRepository, counter_id: str) -> None:
    """A counter that is not there is not at the revision that was seen."""
    with pytest.raises(VersionConflict):
        repository.delete(Counter(counter_id, 0, NEVER))


def test_list_is_sorted_filtered_and_paged(subject: Subject, counter_id: str) -> None:
    """Ids sort by their bytes, capital letters first; a page begins behind the id it is told."""
    names = ["B", "a", "a-1", "a.1", "a:1", "a_1", "b"]
    for name in reversed(names):
        created(subject.repository, f"{counter_id}-{name}", len(name))
    subject.refresh()

    everything = subject.repository.list(prefix=counter_id, after="", limit=100)
    page = subject.repository.list(prefix=f"{counter_id}-a", after=f"{counter_id}-a-1", limit=2)

    assert [f"{counter_id}-{name}" for name in names] == [counter.id for counter in everything]
    assert [len(name) for name in names] == [counter.value for counter in everything]
    assert [f"{counter_id}-a.1", f"{counter_id}-a:1"] == [counter.id for counter in page]


def test_racing_writers_add_up(repository: CounterRepository, counter_id: str) -> None:
    """Of writers that are released at once, one creates the counter, and each addition is counted once."""
    writers = 8
    barrier = threading.Barrier(writers)

    def add(_writer: int) -> int:
        barrier.wait()
        while True:
            try:
                return repository.add(Increment(counter_id)).value
            except VersionConflict:
                continue

    with ThreadPoolExecutor(writers) as pool:
        values = sorted(pool.map(add, range(writers)))

    assert list(range(1, writers + 1)) == values
    assert writers == repository.read(counter_id).value


def test_check_passes(repository: CounterRepository) -> None:
    """Where counters can be written, the check says so by returning."""
    repository.check()
