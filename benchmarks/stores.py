"""What holds the counters of a target: asked by the suite itself, before and after each measurement."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg
import redis
from elasticsearch import Elasticsearch

from service.settings import Settings
from service.storage.client import connect
from service.storage.index import create_index, index_name

ALIAS: Final = "benchmarks"


@dataclass(frozen=True, slots=True)
class Writes:
    """What a store has done since it was started: ``applied`` writes, and those it refused as ``conflicts``."""

    applied: int
    conflicts: int


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

    def total(self, counter_ids: Sequence[str]) -> int:
        """Return the sum of these counters; one that is not there counts 0."""
        ...

    def writes(self) -> Writes | None:
        """Return its writes; None if it does not count them."""
        ...


class ElasticsearchStore:
    """The Elasticsearch that the environment names, which must be one node on this machine."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client
        nodes: dict[str, Any] = client.nodes.info(metric=["process", "settings"])["nodes"]
        (node,) = nodes.values()
        self.pid: int = node["process"]["id"]
        self.version = f"Elasticsearch {node['version']}"
        self.folder = Path(node["settings"]["path"]["data"])

    @classmethod
    @contextmanager
    def prepared(cls) -> Iterator["ElasticsearchStore"]:
        """Give the store with an index for the run, and remove that in the end."""
        with connect(Settings.from_env()) as client:
            client.indices.delete(index=index_name(ALIAS), ignore_unavailable=True)
            create_index(client, ALIAS)
            try:
                yield cls(client)
            finally:
                client.indices.delete(index=index_name(ALIAS), ignore_unavailable=True)

    def total(self, counter_ids: Sequence[str]) -> int:
        """Ask for all of them in one realtime call."""
        found = self._client.mget(index=ALIAS, ids=[*counter_ids], source_includes=["value"])["docs"]
        return sum(int(each["_source"]["value"]) for each in found if each.get("found"))

    def writes(self) -> Writes:
        """Ask the index: its conflicts include those that Elasticsearch settles itself, by `retry_on_conflict`."""
        answer = self._client.indices.stats(index=ALIAS, metric="indexing")
        counts = answer["_all"]["primaries"]["indexing"]
        return Writes(counts["index_total"], counts["index_failed_due_to_version_conflict"])

    def size_bytes(self, counter_id: str) -> int:
        """Return the bytes of a counter's document, as JSON without blanks."""
        source = self._client.get(index=ALIAS, id=counter_id)["_source"]
        return len(json.dumps(source, separators=(",", ":")))


class RedisStore:
    """A Redis of this run."""

    def __init__(self, url: str, pid: int, folder: Path) -> None:
        self._client = redis.Redis.from_url(url)
        self.pid = pid
        self.folder = folder
        info: Any = self._client.info("server")
        self.version = f"Redis {info['redis_version']}"

    def total(self, counter_ids: Sequence[str]) -> int:
        """Ask for all of them in one call."""
        values: Any = self._client.mget(counter_ids)
        return sum(int(value) for value in values if value is not None)

    def writes(self) -> None:
        """Return nothing: one request is one write."""


class PostgresStore:
    """A PostgreSQL of this run, with the table of counters made."""

    def __init__(self, url: str, pid: int, folder: Path) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("CREATE TABLE counters (id text PRIMARY KEY, n bigint NOT NULL)")
        self.pid = pid
        self.folder = folder
        self.version = f"PostgreSQL {self._connection.info.parameter_status('server_version')}"

    def total(self, counter_ids: Sequence[str]) -> int:
        """Ask for their sum."""
        query = "SELECT coalesce(sum(n), 0)::bigint FROM counters WHERE id = ANY(%s)"
        row = self._connection.execute(query, ([*counter_ids],)).fetchone()
        return int(row[0]) if row else 0

    def writes(self) -> None:
        """Return nothing: one request is one write."""
