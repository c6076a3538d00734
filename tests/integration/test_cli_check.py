"""What `es-counters check` finds in a real Elasticsearch."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from localnode.version import VERSION
from service.cli import main
from service.storage.index import create_index, index_name
from tests.integration.loadtests.lying_service import serving


@pytest.fixture
def alias(client: Elasticsearch) -> Iterator[str]:
    """An alias that nothing is behind yet."""
    alias = f"counters-{uuid.uuid4().hex}"
    yield alias
    for made in client.indices.get(index=f"{alias}*"):
        client.indices.delete(index=made)


def check(alias: str, **settings: str) -> Result:
    """Run it."""
    return CliRunner().invoke(
        main, ["check"], env={"COUNTERS_ALIAS": alias, "ELASTICSEARCH_TIMEOUT": "60", **settings}
    )


def test_all_is_well_once_the_index_is_made(client: Elasticsearch, alias: str) -> None:
    """Every part is found to be in order."""
    create_index(client, alias)

    result = check(alias)

    assert 0 == result.exit_code, result.output
    assert {"ok"} == {line.split()[0] for line in result.stdout.splitlines()}
    assert 7 == len(result.stdout.splitlines())
    assert VERSION in result.stdout


def made(client: Elasticsearch, alias: str, **settings: Any) -> None:
    """Make the index, with further settings."""
    create_index(client, alias)
    if settings:
        client.indices.put_settings(index=alias, settings=settings)


@pytest.mark.parametrize(
    ("prepare", "part", "advice"),
    [
        (lambda *_: None, "index ", "es-counters init"),
        (lambda client, alias: client.indices.create(index=alias), "index ", "choose another COUNTERS_ALIAS"),
        (
            lambda client, alias: client.indices.create(
                index=index_name(alias), aliases={alias: {}}, mappings={"_meta": {"schema_version": 1}}
            ),
            "index ",
            "es-counters init",
        ),
        (
            lambda client, alias: made(client, alias, blocks={"write": True}),
            "index settings",
            "index.blocks.write",
        ),
        (
            lambda client, alias: made(client, alias, translog={"durability": "async"}),
            "index settings",
            "index.translog.durability",
        ),
    ],
    ids=["no index", "an index in the alias's place", "an old mapping", "blocked", "not durable"],
)
def test_what_is_wrong_with_the_index_is_said(
    client: Elasticsearch, alias: str, prepare: Callable[[Elasticsearch, str], object], part: str, advice: str
) -> None:
    """With what to do about it, and nothing else is called wrong."""
    prepare(client, alias)

    result = check(alias)

    [failed] = [line for line in result.stdout.splitlines() if line.startswith("failed")]
    assert 1 == result.exit_code
    assert failed.split(maxsplit=1)[1].startswith(part)
    assert advice in failed


def test_what_is_no_elasticsearch_is_told_apart(alias: str) -> None:
    """Another service that answers there is not taken for one."""
    with serving() as other:
        result = check(alias, ELASTICSEARCH_URL=other.url)

    assert 1 == result.exit_code
    assert f"failed  connection      {other.url}: " in result.stdout


@pytest.mark.parametrize(
    "words", [["--service-user", "x", "--service-password-file"], ["--api-key", "x", "--api-key-file"]]
)
def test_nobody_can_be_made_where_nobody_is_asked_for(alias: str, words: list[str], tmp_path: Path) -> None:
    """The node of the tests has its security off, which is said as that; no file is left for a key that is not."""
    file = tmp_path / "file"
    if "--service-user" in words:
        file.write_text("long-enough-a-password")

    result = CliRunner().invoke(main, ["init", *words, str(file)], env={"COUNTERS_ALIAS": alias})

    assert 1 == result.exit_code
    assert "Error: Security is off in this Elasticsearch" in result.stderr
    assert ("--service-user" in words) == file.exists()


@pytest.mark.parametrize(
    ("prepare", "advice"),
    [
        (
            lambda client, alias: client.indices.create(index=f"{alias}-other", aliases={alias: {}}),
            "take the others out of it",
        ),
        (
            lambda client, alias: client.indices.put_mapping(index=alias, meta={"schema_version": 99}),
            "it is older than the index",
        ),
    ],
)
def test_what_init_cannot_mend_is_not_left_to_it(
    client: Elasticsearch, alias: str, prepare: Callable[[Elasticsearch, str], Any], advice: str
) -> None:
    """An alias that leads to several indices, or an index that a later version has made."""
    create_index(client, alias)
    prepare(client, alias)

    result = check(alias)

    assert 1 == result.exit_code
    assert advice in result.stdout
    assert "es-counters init" not in result.stdout
