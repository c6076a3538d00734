"""The index behind the service: made once, checked, and never silently made anew."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient

from service import create_app
from service.errors import StorageUnavailable
from service.settings import Settings
from service.storage.index import create_index, index_name
from service.strategies import STRATEGIES
from tests.keys import uuid7

INCREMENT_LIST = {"increments": [{"id": "c"}, {"id": "d"}]}


@pytest.fixture
def alias(client: Elasticsearch) -> Iterator[str]:
    """An alias that nothing is behind yet."""
    alias = f"counters-{uuid.uuid4().hex}"
    yield alias
    client.indices.delete(index=index_name(alias), ignore_unavailable=True)


@pytest.fixture
def http(settings: Settings, alias: str) -> FlaskClient:
    """The service on that alias."""
    return create_app(replace(settings, counters_alias=alias)).test_client()


def test_it_is_made_once(client: Elasticsearch, alias: str) -> None:
    """Of several that make it at the same time one does, and the others find it."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: create_index(client, alias), range(4)))

    assert 1 == made.count(True)
    assert not create_index(client, alias)


def test_what_is_there_must_be_its_own(client: Elasticsearch, alias: str) -> None:
    """An index of the right name and another schema is refused, not written to."""
    client.indices.create(index=index_name(alias), mappings={"_meta": {"schema_version": 999}})
    client.indices.put_alias(index=index_name(alias), name=alias)

    with pytest.raises(StorageUnavailable, match="schema version"):
        create_index(client, alias)


def test_what_an_earlier_version_has_made_is_brought_up_to_date(
    client: Elasticsearch, alias: str, http: FlaskClient
) -> None:
    """The service refuses it until then, and finds the counters in it afterwards; they can be deleted."""
    client.indices.create(
        index=index_name(alias),
        aliases={alias: {"is_write_index": True}},
        mappings={
            "_meta": {"schema_version": 1},
            "dynamic": "strict",
            "properties": {
                "id": {"type": "keyword"},
                "value": {"type": "long"},
                "operations": {"type": "object", "enabled": False},
            },
        },
    )
    client.index(index=alias, id="c", document={"id": "c", "value": 7})

    before = http.get("/readyz").status_code
    made = create_index(client, alias)
    after = http.get("/readyz").status_code
    key = {"Idempotency-Key": uuid7()}
    counted = http.post("/scripted/c", headers=key).get_json()["value"]
    deleted = http.delete("/counters/c").status_code
    again = http.post("/scripted/c", headers=key)

    assert (503, False, 200) == (before, made, after)
    assert (8, 204) == (counted, deleted)
    assert (8, "true") == (again.get_json()["value"], again.headers["Idempotency-Replayed"])


def test_an_index_in_the_aliass_place_is_refused(
    client: Elasticsearch, alias: str, http: FlaskClient
) -> None:
    """Where an index bears the alias's name, somebody's write has created it, and nothing is written to it."""
    client.index(index=alias, id="c", document={"id": "c", "value": 1})
    try:
        answers = [http.post(f"/{strategy}/c") for strategy in STRATEGIES]
        ready = http.get("/readyz")
        found = client.get(index=alias, id="c")["_source"]
    finally:
        client.indices.delete(index=alias)

    assert {503} == {answer.status_code for answer in answers}
    assert 503 == ready.status_code
    assert {"id": "c", "value": 1} == found


@pytest.mark.parametrize("existed", [True, False])
def test_without_the_index_nothing_is_counted(
    client: Elasticsearch, alias: str, http: FlaskClient, *, existed: bool
) -> None:
    """A deleted index is a 503 everywhere, not-applied for writes, and it does not come back at 0."""
    if existed:
        create_index(client, alias)
        assert 200 == http.post("/occ/c").status_code
        client.indices.delete(index=index_name(alias))

    writes = [
        *(http.post(f"/{strategy}/c") for strategy in STRATEGIES),
        http.put("/counters/c", json={"value": 1}),
        http.delete("/counters/c"),
    ]
    lists = [http.post(f"/{strategy}", json=INCREMENT_LIST).get_json() for strategy in STRATEGIES]
    reads = [http.get("/counters/c"), http.get("/counters"), http.get("/readyz")]

    assert {(503, "not-applied")} == {(answer.status_code, answer.get_json()["outcome"]) for answer in writes}
    assert {(2, 0)} == {(answer["failed"], answer["unknown"]) for answer in lists}
    assert [503] * 3 == [answer.status_code for answer in reads]
    assert 200 == http.get("/healthz").status_code
    assert {} == client.indices.get(index=f"{alias}*").body
