"""The index that the counters live in: its mapping, its alias, and how both are made and checked."""

from typing import Any, Final

from elasticsearch import BadRequestError, Elasticsearch

from service.errors import StorageUnavailable
from service.storage.outcomes import reading, writing

SCHEMA_VERSION: Final = 1
"""Stands in the mapping's ``_meta``; the service refuses an index of another version."""

MAPPINGS: Final[dict[str, Any]] = {
    "_meta": {"schema_version": SCHEMA_VERSION},
    "dynamic": "strict",
    "properties": {
        # The id once more, because a list cannot be sorted by _id, which has no doc values.
        "id": {"type": "keyword"},
        "value": {"type": "long"},
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
    """Return the name of the index behind ``alias``."""
    return f"{alias}-v{SCHEMA_VERSION}"


def create_index(client: Elasticsearch, alias: str) -> bool:
    """Make the index and its alias unless they are there, and return whether this call made them.

    Several may call this at once; the index is made once.

    Raises:
        StorageUnavailable: Elasticsearch did not do it, or what is there is not the service's index.
    """
    with writing():
        try:
            client.indices.create(
                index=index_name(alias),
                aliases={alias: {"is_write_index": True}},
                mappings=MAPPINGS,
                settings=SETTINGS,
                wait_for_active_shards=1,
            )
        except BadRequestError as error:
            if error.message != "resource_already_exists_exception":
                raise
            check_index(client, alias)
            return False
        return True


def check_index(client: Elasticsearch, alias: str) -> None:
    """Return if ``alias`` leads to exactly one index and that has this version's mapping.

    Raises:
        StorageUnavailable: It does not, or Elasticsearch did not answer.
    """
    with reading():
        found = client.indices.get_mapping(index=alias)
    versions = [index["mappings"].get("_meta", {}).get("schema_version") for index in found.values()]
    if alias in found or versions != [SCHEMA_VERSION]:
        raise StorageUnavailable(
            f"The alias {alias} must lead to one index of schema version {SCHEMA_VERSION};"
            f" it leads to {dict(zip(found, versions, strict=True))}."
        )
