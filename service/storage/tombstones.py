"""What deleted counters leave behind, and its end."""

from typing import Final

from elasticsearch import Elasticsearch

from service.storage.answers import count_deleted
from service.storage.outcomes import writing

AT_ONCE: Final = 1000
"""How many documents one call removes, so that it is done within the client's patience."""


def remove_tombstones(client: Elasticsearch, alias: str, *, deleted_before: float) -> int:
    """Remove the logs of counters that were deleted before a moment, and return how many there were.

    Elasticsearch deletes each under the revision that it found; one that was counted on again meanwhile stays. What
    was deleted within the index's refresh interval is not found yet, which is of no concern here.

    Args:
        client: From `service.storage.client.connect`.
        alias: Of the index.
        deleted_before: Seconds since 1970. No key in such a log may be repeated any more.

    Raises:
        StorageUnavailable: Elasticsearch did not do it, or not all of it.
    """
    query = {
        "bool": {
            "filter": [{"range": {"deleted": {"lt": round(deleted_before * 1000)}}}],
            "must_not": [{"exists": {"field": "value"}}],
        }
    }
    removed = 0
    while True:
        with writing():
            answer = client.delete_by_query(index=alias, query=query, conflicts="proceed", max_docs=AT_ONCE)
        batch = count_deleted(answer.body)
        removed += batch
        if batch < AT_ONCE:
            return removed
