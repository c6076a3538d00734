"""What holds the counters of a target: asked by the suite itself, before and after each measurement."""

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import psutil
import psycopg
import redis
from elasticsearch import ApiError, Elasticsearch, TransportError

from benchmarks.errors import BenchmarkError
from service.settings import Settings
from service.storage.client import connect
from service.storage.index import create_index, index_name

PATIENCE: Final = 60.0
"""Seconds that Elasticsearch may take to answer the suite itself, which is not in a hurry."""


@dataclass(frozen=True, slots=True)
class Writes:
    """What a store has done since it was started: ``applied`` writes, and those it refused as ``conflicts``."""

    applied: int
    conflicts: int


def writes_of(client: Elasticsearch, index: str) -> Writes:
    """Ask an index for its writes; its conflicts include those that Elasticsearch settles by `retry_on_conflict`."""
    counts = client.indices.stats(index=index, metric="indexing")["_all"]["primaries"]["indexing"]
    return Writes(counts["index_total"], counts["index_failed_due_to_version_conflict"])


def document_bytes(client: Elasticsearch, index: str, counter_id: str) -> int:
    """Return the bytes of a counter's document, as JSON without blanks."""
    return len(json.dumps(client.get(index=index, id=counter_id)["_source"], separators=(",", ":")))


class Store(Protocol):
    """A store, and how it is asked."""

    @property
    def pid(self) -> int:
        """The process whose CPU time is the store's, with its children."""
        ...

    @property
    def version(self) -> str:
        """What it is, in words."""
        ...

    @property
    def folder(self) -> Path:
        """Where its data are."""
        ...

    def values(self, counter_ids: Sequence[str]) -> list[int]:
        """Return the values of these counters, in order; 0 for one that is not there."""
        ...

    def writes(self) -> Writes | None:
        """Return its writes; None if it does not count them."""
        ...


class ElasticsearchStore:
    """The Elasticsearch that the environment names, with an index for this run.

    Attributes:
        alias: What leads to the index.
    """

    def __init__(self, client: Elasticsearch, alias: str) -> None:
        nodes: dict[str, Any] = client.nodes.info(metric=["process", "settings"])["nodes"]
        node = next(iter(nodes.values()))
        self.alias = alias
        self.pid: int = node["process"]["id"]
        self.version = f"Elasticsearch {node['version']}"
        self.folder = Path(node["settings"]["path"]["data"])
        self._client = client
        if len(nodes) > 1 or not self.folder.exists() or not psutil.pid_exists(self.pid):
            raise BenchmarkError(
                "Elasticsearch must be one node on this machine; without ELASTICSEARCH_URL it is."
            )

    @classmethod
    @contextmanager
    def prepared(cls) -> Iterator["ElasticsearchStore"]:
        """Make the index, give the store, and remove the index.

        Raises:
            BenchmarkError: Elasticsearch does not answer, or it is several nodes or elsewhere: no CPU time to be had.
        """
        alias = f"benchmarks-{uuid.uuid4().hex}"
        settings = replace(Settings.from_env(), elasticsearch_timeout=PATIENCE)
        with connect(settings) as client:
            try:
                store = cls(client, alias)
            except (ApiError, TransportError) as error:
                raise BenchmarkError(
                    f"The Elasticsearch that ELASTICSEARCH_URL names could not be asked: {error}"
                ) from error
            create_index(client, alias)
            try:
                yield store
            finally:
                client.indices.delete(index=index_name(alias), ignore_unavailable=True)

    def values(self, counter_ids: Sequence[str]) -> list[int]:
        """Ask for all of them in one realtime call."""
        found = self._client.mget(index=self.alias, ids=[*counter_ids], source_includes=["value"])["docs"]
        return [int(each["_source"]["value"]) if each.get("found") else 0 for each in found]

    def writes(self) -> Writes:
        """Ask the index."""
        return writes_of(self._client, self.alias)

    def size_bytes(self, counter_id: str) -> int:
        """Return the bytes of a counter's document, as JSON without blanks."""
        return document_bytes(self._client, self.alias, counter_id)


class RedisStore:
    """A Redis of this run."""

    def __init__(self, url: str, pid: int, folder: Path) -> None:
        self._client = redis.Redis.from_url(url)
        self.pid = pid
        self.folder = folder
        info: Any = self._client.info("server")
        self.version = f"Redis {info['redis_version']}"

    def values(self, counter_ids: Sequence[str]) -> list[int]:
        """Ask for all of them in one call."""
        values: Any = self._client.mget(counter_ids)
        return [int(value or 0) for value in values]

    def writes(self) -> None:
        """Return nothing: one request is one write."""


class PostgresStore:
    """A PostgreSQL of this run, with the table of counters made."""

    def __init__(self, url: str, pid: int, folder: Path) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("CREATE TABLE counters (id text PRIMARY KEY, n bigint NOT NULL)")
        self.pid = pid
        self.folder = folder
        version = self._connection.info.parameter_status("server_version") or ""
        self.version = f"PostgreSQL {version.partition(' ')[0]}"

    def values(self, counter_ids: Sequence[str]) -> list[int]:
        """Ask for all of them in one query."""
        rows = self._connection.execute("SELECT id, n FROM counters WHERE id = ANY(%s)", ([*counter_ids],))
        found: dict[str, int] = dict(rows.fetchall())
        return [found.get(counter_id, 0) for counter_id in counter_ids]

    def writes(self) -> None:
        """Return nothing: one request is one write."""
