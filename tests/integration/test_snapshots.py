"""Backup and restore by the commands of docs/operations.md: what comes back, and what a restore means for keys."""

import os
import re
import subprocess
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import requests
from elasticsearch import Elasticsearch

from localnode.serving import serving
from service.settings import Settings
from service.storage.index import index_name
from tests.api import Api
from tests.keys import uuid7
from tests.problems import problem_in
from tests.strategies import EXACT

PAGE: Final = Path(__file__).parents[2] / "docs" / "operations.md"
REGISTER, TAKE, CHOOSE, DELETE_AND_RESTORE = re.findall(
    r"^```sh\n(.*?)^```$",
    PAGE.read_text("utf-8").partition("### Take a snapshot")[2].partition("\n## ")[0],
    re.MULTILINE | re.DOTALL,
)
DELETE, RESTORE = DELETE_AND_RESTORE.split("\n", 1)

ES: Final = """
set -eu
es() {
  method=$1 path=${2#/}; shift 2
  curl --silent --show-error --fail-with-body -X "$method" "$NODE/$path" -H 'Content-Type: application/json' "$@"
}
"""
"""What the page has for a secured Elasticsearch."""

CALLERS: Final = 4


@dataclass(frozen=True, slots=True)
class Backups:
    """The snapshots of an index, by somebody who types what the page says."""

    node: str
    index: str

    def run(self, commands: str) -> None:
        """Run commands of the page; ``SNAPSHOT`` is the snapshot that is taken.

        Raises:
            subprocess.CalledProcessError: Elasticsearch has refused one.
        """
        subprocess.run(
            ["/bin/sh", "-c", ES + re.sub(r"(?<=SNAPSHOT=)\$?[(\d].*", "snapshot", commands)],
            env={**os.environ, "NODE": self.node, "INDEX": self.index, "SNAPSHOT": "snapshot"},
            check=True,
        )


@pytest.fixture
def alias() -> str:
    """Of an index of the test's own, which it may delete."""
    return f"counters-{uuid.uuid4().hex}"


@pytest.fixture
def backups(client: Elasticsearch, settings: Settings, alias: str) -> Iterator[Backups]:
    """The snapshots of that index, of which there are none yet."""
    backups = Backups(settings.elasticsearch_url[0], index_name(alias))
    backups.run(REGISTER)
    yield backups
    client.snapshot.delete(repository=backups.index, snapshot="*")
    client.snapshot.delete_repository(name=backups.index)
    client.indices.delete(index=backups.index, ignore_unavailable=True)


@pytest.fixture
def http(backups: Backups, alias: str, tmp_path: Path) -> Iterator[Api]:
    """A caller of a service on that index."""
    with serving({"COUNTERS_ALIAS": alias}, log=tmp_path / "log") as service, Api(service.url) as http:
        yield http


def count(http: Api, strategy: str, key: str) -> requests.Response:
    """Increment a strategy's counter under a key."""
    return http.post(f"/{strategy}/{strategy}", headers={"Idempotency-Key": key})


def values(http: Api) -> list[int]:
    """Return what the counters of all strategies hold."""
    return [http.value_of(strategy) for strategy in EXACT]


def replayed(answers: list[requests.Response]) -> list[tuple[int, bool]]:
    """Return the value in each answer, and whether the increment was known already."""
    return [(answer.json()["value"], "Idempotency-Replayed" in answer.headers) for answer in answers]


def test_what_a_counter_remembers_comes_back_with_it(http: Api, backups: Backups) -> None:
    """Keys from before the snapshot are recognised; those from after it count again, as what they counted is gone."""
    early, late = [uuid7() for _ in EXACT], [uuid7() for _ in EXACT]
    for strategy, key in zip(EXACT, early, strict=True):
        count(http, strategy, key)
    http.post("/occ/deleted", headers={"Idempotency-Key": early[0]})
    http.delete("/counters/deleted")
    backups.run(TAKE)
    for strategy, key in zip(EXACT, late, strict=True):
        count(http, strategy, key)
    before = values(http)

    backups.run(CHOOSE)
    backups.run(DELETE)
    without = http.post("/occ/occ"), http.get("/readyz")
    backups.run(RESTORE)
    restored = values(http)
    repeated = [count(http, strategy, key) for strategy, key in zip(EXACT, early, strict=True)]
    of_deleted = http.post("/occ/deleted", headers={"Idempotency-Key": early[0]})
    again = [count(http, strategy, key) for strategy, key in zip(EXACT, late, strict=True)]

    assert "not-applied" == problem_in(without[0], 503, "unavailable")["outcome"]
    assert 503 == without[1].status_code
    assert ([2] * len(EXACT), [1] * len(EXACT)) == (before, restored)
    assert [(1, True)] * len(EXACT) == replayed(repeated)
    assert ([(1, True)], 404) == (replayed([of_deleted]), http.get("/counters/deleted").status_code)
    assert [(2, False)] * len(EXACT) == replayed(again)
    assert before == values(http)


def test_who_repeats_all_keys_gets_an_exact_counter(http: Api, backups: Backups) -> None:
    """A snapshot taken under load splits no increment from its key: repeated, what it has counts no second time."""
    under_way, over = threading.Barrier(CALLERS + 1), threading.Event()

    def call(_number: int) -> list[str]:
        keys: list[str] = []
        with Api(http.base) as caller:
            while not over.is_set():
                keys.append(uuid7())
                for strategy in EXACT:
                    assert count(caller, strategy, keys[-1]).ok
                if len(keys) == 1:
                    under_way.wait()
        return keys

    with ThreadPoolExecutor(CALLERS) as pool:
        calls = pool.map(call, range(CALLERS))
        under_way.wait()
        backups.run(TAKE)
        at_snapshot = values(http)
        over.set()
        keys = [key for of_caller in calls for key in of_caller]
    backups.run(DELETE)
    backups.run(RESTORE)
    restored = values(http)
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(lambda key: [count(http, strategy, key) for strategy in EXACT], keys))

    assert {200} == {answer.status_code for each in answers for answer in each}
    assert all(CALLERS <= there <= then for there, then in zip(restored, at_snapshot, strict=True))
    assert [len(keys)] * len(EXACT) == values(http)


def test_a_restore_gives_versions_a_second_time(http: Api, backups: Backups) -> None:
    """What was written after a snapshot, and is after its restore, may bear one version, which tells nothing then."""
    http.put("/counters/c", json={"value": 0})
    backups.run(TAKE)
    answers = []
    for by in (1, 5):
        backups.run(DELETE)
        backups.run(RESTORE)
        answers.append(http.post("/occ/c", json={"by": by}))

    assert [1, 5] == [answer.json()["value"] for answer in answers]
    assert answers[0].headers["ETag"] == answers[1].headers["ETag"]
