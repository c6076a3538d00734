"""The index that the counters live in: its mapping, its alias, and how both are made and checked."""

from typing import Any, Final

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from service.errors import StorageRefused, StorageUnavailable
from service.storage.answers import schema_versions
from service.storage.outcomes import reading, writing

SCHEMA_VERSION: Final = 2
"""Stands in the mapping's ``_meta``; the service refuses an index of another version.

1 had no ``deleted``. Whoever still writes such documents would drop the log of operations.
"""

EXTENDABLE: Final = frozenset({1})
"""The versions that become this one by adding fields, which `create_index` does."""

MAPPINGS: Final[dict[str, Any]] = {
    "_meta": {"schema_version": SCHEMA_VERSION},
    "dynamic": "strict",
    "properties": {
        # The id once more, because a list cannot be sorted by _id, which has no doc values.
        "id": {"type": "keyword"},
        "value": {"type": "long"},
        # When a counter was deleted of which only the log is left.
        "deleted": {"type": "date", "format": "epoch_millis"},
        # The log of operations, kept with the value so that both change in one write; never searched.
        "operations": {"type": "object", "enabled": False},
    },
}

SETTINGS: Final[dict[str, Any]] = {
    # One shard orders all writes to a counter; counters are small, and one holds millions.
    "number_of_shards": 1,
    # A replica wherever there is a second node to hold it; a single node is healthy without.
    "auto_expand_replicas": "0-1",
    # The default, said aloud: what is acknowledged is on disk.
    "translog.durability": "request",
}


def index_name(alias: str) -> str:
    """Return the name of the index behind ``alias``; it changes when documents have to be written anew."""
    return f"{alias}-v1"


def create_index(client: Elasticsearch, alias: str) -> bool:
    """Make the index and its alias unless they are there, and return whether this call made the index.

    One that an earlier version has made is brought up to date. Who may not make an index may still call this where
    there is nothing to do. Several may call it at once; the index is made once.

    Raises:
        StorageRefused: Elasticsearch will not do it.
        StorageUnavailable: It did not do it, or what is there is not the service's index.
    """
    if _is_there(client, alias):
        return False
    name = index_name(alias)
    created = True
    with writing():
        try:
            client.indices.create(
                index=name,
                aliases={alias: {"is_write_index": True}},
                mappings=MAPPINGS,
                settings=SETTINGS,
                wait_for_active_shards=1,
            )
        except BadRequestError as error:
            if error.message != "resource_already_exists_exception":
                raise
            # Somebody has just made it; or it has lost its alias, and is given it back if it is the service's own.
            created = False
            if _schema_versions(client, name) == {name: SCHEMA_VERSION}:
                client.indices.put_alias(index=name, name=alias, is_write_index=True)
    check_index(client, alias)
    return created


def check_index(client: Elasticsearch, alias: str) -> None:
    """Return if ``alias`` leads to exactly one index and that has this version's mapping.

    Raises:
        StorageRefused: It does not, and no `create_index` of this program would mend that.
        StorageUnavailable: It does not, or Elasticsearch did not answer.
    """
    _demand_own(alias, _schema_versions(client, alias))


def _demand_own(alias: str, versions: dict[str, Any]) -> None:
    if list(versions) == [alias]:
        raise StorageRefused(
            f"{alias} is an index itself, and must be an alias that leads to one: choose another COUNTERS_ALIAS."
        )
    if len(versions) != 1:
        raise StorageRefused(
            f"The alias {alias} must lead to one index, and leads to {', '.join(versions)}: take the others out of it."
        )
    [(name, version)] = versions.items()
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise StorageRefused(
            f"{name} has schema version {version}, and this program is of version {SCHEMA_VERSION}: it is older than"
            " the index. Use the version that has brought that up to date."
        )
    if version != SCHEMA_VERSION:
        raise StorageUnavailable(
            f"{name} must have schema version {SCHEMA_VERSION}, and has {version or 'none'}."
        )


def _is_there(client: Elasticsearch, alias: str) -> bool:
    with reading():
        try:
            answer = client.indices.get_mapping(index=alias)
        except NotFoundError:
            return False
        versions = schema_versions(answer.body)
    if list(versions.values()) in [[version] for version in EXTENDABLE]:
        with writing():
            client.indices.put_mapping(index=alias, meta=MAPPINGS["_meta"], properties=MAPPINGS["properties"])
    else:
        _demand_own(alias, versions)
    return True


def _schema_versions(client: Elasticsearch, target: str) -> dict[str, Any]:
    with reading():
        return schema_versions(client.indices.get_mapping(index=target).body)
