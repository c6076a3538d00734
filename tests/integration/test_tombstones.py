"""What deleted counters leave behind: it stays as long as a key may be repeated, and then goes."""

import time
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from localnode.serving import serving
from service.counters import Increment
from service.operations import Operation
from service.settings import Settings
from service.storage.repository import ElasticsearchCounters
from service.storage.tombstones import remove_tombstones
from service.storage.writes import Script

PATIENCE = 60.0
"""Seconds until a sweep counts as never to come."""


@pytest.fixture
def counters(client: Elasticsearch, settings: Settings) -> ElasticsearchCounters:
    """Counters whose clock stands at the beginning of 1970."""
    return ElasticsearchCounters(
        client,
        alias=settings.counters_alias,
        timeout=30.0,
        script=Script.load(retry_on_conflict=0, log_limit=10),
        now=lambda: 1000.0,
    )


def delete_long_ago(counters: ElasticsearchCounters, counter_id: str, *, key_made: float = 500.0) -> None:
    """Make a counter with a log and delete it, 1,000 s after the beginning of 1970."""
    key = f"{round(key_made * 1000):012x}739baea5966c26f8ad91"
    counters.add(Increment(counter_id, 1, Operation(key, "f")))
    counters.delete(counters.read(counter_id))


def is_there(client: Elasticsearch, settings: Settings, counter_id: str) -> bool:
    """Say whether there is a document."""
    return bool(client.exists(index=settings.counters_alias, id=counter_id))


def test_only_what_is_old_enough_goes(
    client: Elasticsearch, settings: Settings, counters: ElasticsearchCounters, counter_id: str
) -> None:
    """A log goes after its time, and not before; a counter that was counted on since stays."""
    gone, back, kept = (f"{counter_id}-{name}" for name in ("gone", "back", "kept"))
    for id_ in (gone, back):
        delete_long_ago(counters, id_)
    counters.add(Increment(back))
    counters.add(Increment(kept))
    client.indices.refresh(index=settings.counters_alias)

    before = remove_tombstones(client, settings.counters_alias, deleted_before=999.0)
    still_there = is_there(client, settings, gone)
    remove_tombstones(client, settings.counters_alias, deleted_before=1001.0)

    assert (0, True) == (before, still_there)
    assert not is_there(client, settings, gone)
    assert [1, 1] == [counters.read(id_).value for id_ in (back, kept)]


def test_a_log_stays_as_long_as_its_youngest_key_is_taken(
    client: Elasticsearch, settings: Settings, counters: ElasticsearchCounters, counter_id: str
) -> None:
    """A key may be younger than the deletion, where clocks differ; it is what counts then."""
    delete_long_ago(counters, counter_id, key_made=1030.0)
    client.indices.refresh(index=settings.counters_alias)

    remove_tombstones(client, settings.counters_alias, deleted_before=1029.0)
    before = is_there(client, settings, counter_id)
    remove_tombstones(client, settings.counters_alias, deleted_before=1031.0)

    assert before
    assert not is_there(client, settings, counter_id)


def test_what_is_counted_on_again_during_a_sweep_stays(
    client: Elasticsearch, settings: Settings, counters: ElasticsearchCounters, counter_id: str
) -> None:
    """A sweep finds what lists find, a moment late; what has changed since is left alone."""
    delete_long_ago(counters, counter_id)
    client.indices.refresh(index=settings.counters_alias)
    counters.add(Increment(counter_id, 7))  # not visible to a search before the next refresh

    remove_tombstones(client, settings.counters_alias, deleted_before=1001.0)

    assert 7 == counters.read(counter_id).value


def test_workers_sweep(
    client: Elasticsearch,
    settings: Settings,
    counters: ElasticsearchCounters,
    counter_id: str,
    tmp_path: Path,
) -> None:
    """A service that starts removes what is old enough, without being asked."""
    delete_long_ago(counters, counter_id)
    client.indices.refresh(index=settings.counters_alias)

    with serving({"COUNTERS_ALIAS": settings.counters_alias}, log=tmp_path / "log"):
        deadline = time.monotonic() + PATIENCE
        while is_there(client, settings, counter_id) and time.monotonic() < deadline:
            time.sleep(0.1)

    assert not is_there(client, settings, counter_id)
