"""Counters on their way out of Elasticsearch and back, and idempotency keys with them."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient

from service import create_app
from service.cli import main
from service.counters import MAX_VALUE, MIN_VALUE
from service.settings import Settings
from service.storage.index import create_index, index_name
from tests.keys import uuid7
from tests.proxy import Exchange, Proxy


class Place:
    """An index of its own: the service on it, and the command line."""

    def __init__(self, settings: Settings, alias: str) -> None:
        self.alias = alias
        patient = replace(settings, counters_alias=alias, elasticsearch_timeout=60.0, request_timeout=60.0)
        self.http: FlaskClient = create_app(patient).test_client()

    def run(
        self, *words: str | Path, stdin: bytes = b"", log_size: int = 1000, proxy: Proxy | None = None
    ) -> Result:
        """Run a command, whose way to Elasticsearch is through a proxy if there is one."""
        environment = {
            "COUNTERS_ALIAS": self.alias,
            "ELASTICSEARCH_TIMEOUT": "60",
            "IDEMPOTENCY_LOG_SIZE": str(log_size),
            **({"ELASTICSEARCH_URL": proxy.url} if proxy else {}),
        }
        return CliRunner().invoke(main, [*map(str, words)], input=stdin, env=environment)

    def values(self, *counter_ids: str) -> list[int | None]:
        """Read counters; None for one that is not there."""
        answers = [self.http.get(f"/counters/{counter_id}").get_json() for counter_id in counter_ids]
        return [answer.get("value") for answer in answers]


@pytest.fixture
def places(client: Elasticsearch, settings: Settings) -> Iterator[Callable[[], Place]]:
    """Make empty places."""
    made = []

    def make() -> Place:
        alias = f"counters-{uuid.uuid4().hex}"
        made.append(alias)
        create_index(client, alias)
        return Place(settings, alias)

    yield make
    for alias in made:
        client.indices.delete(index=index_name(alias), ignore_unavailable=True)


@pytest.fixture
def source(places: Callable[[], Place]) -> Place:
    """Where counters come from."""
    return places()


@pytest.fixture
def target(places: Callable[[], Place]) -> Place:
    """Where they go."""
    return places()


def test_an_import_brings_back_what_was_exported(source: Place, target: Place, tmp_path: Path) -> None:
    """Every value to its last digit, in pages; and what is exported again is the same to the byte.

    Nobody waits or refreshes before: what was acknowledged a moment ago is in it.
    """
    edges = {"max": MAX_VALUE, "min": MIN_VALUE, "odd": 2**53 + 1}
    for counter_id, value in edges.items():
        source.http.put(f"/counters/{counter_id}", json={"value": value})
    source.http.post("/scripted", json={"increments": [{"id": f"c{number}"} for number in range(25)]})

    # So much to remember that a page has room for ten.
    exported = source.run("export", tmp_path / "first", log_size=10_000)
    imported = target.run("import", tmp_path / "first", log_size=10_000)
    again = target.run("export", tmp_path / "second")

    assert (0, 0, 0) == (exported.exit_code, imported.exit_code, again.exit_code), imported.output
    assert "Counters exported: 28." in exported.stderr
    assert "Counters in the file: 28; 28 written" in imported.stderr
    assert [*edges.values(), 1] == target.values(*edges, "c24")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("strategy", ["occ", "scripted", "batched"])
def test_what_was_counted_is_not_counted_again(source: Place, target: Place, strategy: str) -> None:
    """A key that was used before the export is recognised after the import; on a deleted counter as well."""
    key, gone = ({"Idempotency-Key": uuid7()} for _ in range(2))
    source.http.post(f"/{strategy}/kept", json={"by": 5}, headers=key)
    source.http.post(f"/{strategy}/gone", json={"by": 7}, headers=gone)
    source.http.delete("/counters/gone")

    exported = source.run("export", "-")
    target.run("import", "-", stdin=exported.stdout_bytes)
    repeated = [
        target.http.post(f"/{strategy}/kept", json={"by": 5}, headers=key),
        target.http.post(f"/{strategy}/gone", json={"by": 7}, headers=gone),
    ]

    assert [(200, "true", 5), (200, "true", 7)] == [
        (answer.status_code, answer.headers.get("Idempotency-Replayed"), answer.get_json()["value"])
        for answer in repeated
    ]
    assert [5, None] == target.values("kept", "gone")
    assert "Counters exported: 1, and deleted ones that still remember operations: 1." in exported.stderr


FILE = b'{"id":"a","value":1}\n{"id":"b","value":2}\n{"counters":2}\n'


@pytest.mark.parametrize("there", ["counting", "deleted, and remembering"])
def test_what_is_there_is_not_replaced_unasked(target: Place, there: str) -> None:
    """The import is refused as a whole, and names the counter and its line."""
    target.http.post("/scripted/b", json={"by": 7}, headers={"Idempotency-Key": uuid7()})
    if there != "counting":
        target.http.delete("/counters/b")
    before = target.values("a", "b")

    result = target.run("import", "-", stdin=FILE)

    assert 1 == result.exit_code
    assert "Nothing is written, for these are there already: b (line 2)." in result.stderr
    assert before == target.values("a", "b")


@pytest.mark.parametrize(
    ("if_exists", "value", "told"), [("skip", 7, "1 skipped"), ("overwrite", 2, "2 written")]
)
def test_what_is_there_is_treated_as_asked(target: Place, if_exists: str, value: int, told: str) -> None:
    """It is left, or replaced."""
    target.http.put("/counters/b", json={"value": 7})

    result = target.run("import", "--if-exists", if_exists, "-", stdin=FILE)

    assert 0 == result.exit_code
    assert told in result.stderr
    assert [1, value] == target.values("a", "b")


def test_a_bad_line_anywhere_writes_nothing(target: Place) -> None:
    """The file is looked at as a whole first."""
    result = target.run(
        "import",
        "-",
        stdin=b'{"id":"a","value":1}\n{"id":"b","value":2}\n{"id":"c","value":9223372036854775808}\n',
    )

    assert 1 == result.exit_code
    assert "Error: Line 3. Its value must be an integer" in result.stderr
    assert [None, None] == target.values("a", "b")


def lose_second(path: str) -> Callable[[Exchange], None]:
    """Return what a proxy does to lose the second answer to requests of a path, after Elasticsearch has given it."""
    seen = count(1)

    def handle(exchange: Exchange) -> None:
        exchange.forward()
        if exchange.path.endswith(path) and next(seen) == 2:
            exchange.lose()

    return handle


def test_an_import_that_is_stopped_says_what_is_written(target: Place, proxy: Proxy, tmp_path: Path) -> None:
    """It ends with an account, and when it is repeated it does the rest."""
    lines = [json.dumps({"id": f"c{number:02d}", "value": number}) for number in range(1, 26)]
    (tmp_path / "file").write_text("\n".join(lines))
    proxy.handle = lose_second("/_bulk")

    stopped = target.run("import", "--endless", tmp_path / "file", log_size=10_000, proxy=proxy)
    between = target.values("c01", "c11", "c21")
    repeated = target.run("import", "--endless", "--if-exists", "skip", tmp_path / "file")

    assert (1, 0) == (stopped.exit_code, repeated.exit_code)
    assert (
        "Counters in the file: 25; 10 written, 0 skipped, 10 of unknown outcome, 5 not written."
        in stopped.stderr
    )
    assert stopped.stderr.endswith("Error: Line 11. Elasticsearch did not answer.\n")
    assert [1, 11, None] == between
    assert [1, 11, 21, 25] == target.values("c01", "c11", "c21", "c25")
    assert "Counters in the file: 25; 5 written, 20 skipped" in repeated.stderr


def test_an_import_that_is_refused_says_that_nothing_is_written(target: Place, client: Elasticsearch) -> None:
    """It ends with the first line."""
    client.indices.put_settings(index=target.alias, settings={"index.blocks.write": True})

    refused = target.run("import", "-", stdin=FILE)

    assert 1 == refused.exit_code
    assert (
        "Counters in the file: 2; 0 written, 0 skipped, 0 of unknown outcome, 2 not written."
        in refused.stderr
    )
    assert "Error: Line 1. " in refused.stderr


def test_an_export_that_fails_leaves_no_file(source: Place, proxy: Proxy, tmp_path: Path) -> None:
    """Nor does it touch one that is there, be it told to replace it or not."""
    (tmp_path / "kept").write_text("kept")
    source.http.post("/scripted", json={"increments": [{"id": f"c{number}"} for number in range(25)]})

    refused = source.run("export", tmp_path / "kept")
    failed = []
    for words in (["--force", tmp_path / "kept"], [tmp_path / "new"]):
        proxy.handle = lose_second("/_search")
        failed.append(source.run("export", *words, log_size=10_000, proxy=proxy))

    assert (2, [1, 1]) == (refused.exit_code, [result.exit_code for result in failed])
    assert failed[0].stderr.endswith("Error: Elasticsearch did not answer.\n")
    assert ["kept"] == [file.name for file in tmp_path.iterdir()]
    assert "kept" == (tmp_path / "kept").read_text()


def test_an_export_that_is_cut_off_is_not_imported(
    source: Place, target: Place, proxy: Proxy, tmp_path: Path
) -> None:
    """Through a pipe a part of it may have gone out, and the pipe's exit code be that of another program."""
    source.http.post("/scripted", json={"increments": [{"id": f"c{number}"} for number in range(25)]})
    proxy.handle = lose_second("/_search")

    failed = source.run("export", "-", log_size=10_000, proxy=proxy)
    refused = [target.run("import", "-", stdin=part) for part in (failed.stdout_bytes, b"")]
    taken = target.run("import", "--endless", "-", stdin=failed.stdout_bytes)

    assert 1 == failed.exit_code
    assert [1, 1] == [result.exit_code for result in refused]
    assert all("Error: The last line is not" in result.stderr for result in refused)
    assert "Counters in the file: 10; 10 written" in taken.stderr


def test_an_export_that_cannot_be_written_fails(source: Place) -> None:
    """Before it says that it is done: here to a full disk, in a process of its own."""
    source.http.put("/counters/c", json={"value": 3})

    with Path("/dev/full").open("wb") as full:
        failed = subprocess.run(
            [sys.executable, "-m", "service", "export", "-"],
            env={**os.environ, "COUNTERS_ALIAS": source.alias},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert 1 == failed.returncode, failed.stderr
    assert "No space left" in failed.stderr
    assert "Counters exported" not in failed.stderr


def test_without_an_index_it_is_said_how_to_make_one(source: Place, client: Elasticsearch) -> None:
    """By way of the command that tells what is wrong."""
    client.indices.delete(index=index_name(source.alias))

    results = [source.run("export", "-"), source.run("import", "-", stdin=FILE)]

    assert [1, 1] == [result.exit_code for result in results]
    assert all("`es-counters check` says what is wrong." in result.stderr for result in results)


def test_an_export_replaces_a_file_if_told_so(source: Place, tmp_path: Path) -> None:
    """And others cannot read it."""
    source.http.put("/counters/c", json={"value": 3})
    (tmp_path / "kept").write_text("kept")

    result = source.run("export", "--force", tmp_path / "kept")

    assert 0 == result.exit_code
    assert '{"id":"c","value":3}\n{"counters":1}\n' == (tmp_path / "kept").read_text()
    assert 0o600 == (tmp_path / "kept").stat().st_mode & 0o777
