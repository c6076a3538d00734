"""Elasticsearch's answers, read with suspicion: what is no proof of success is no success.

A reply that is cut within its headers reaches the caller as status 200 with an empty body; so an answer counts
only if it says in so many words what was found or written.
"""

from collections import Counter as TallyOf
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import Any, Final, TypeVar

from service import metrics
from service.counters import Applied, Counter, Increment, Revision, Snapshot
from service.errors import (
    CounterError,
    CounterOverflow,
    IdempotencyKeyExpired,
    IdempotencyKeyReused,
    Outcome,
    StorageUnavailable,
    VersionConflict,
)
from service.operations import OperationLog
from service.storage.outcomes import kind_of, refusal, tell_refusal

T = TypeVar("T")

REFUSED: Final[Mapping[str, Callable[[str], CounterError]]] = MappingProxyType(
    {
        "counter-overflow": CounterOverflow,
        "idempotency-key-reused": lambda _: IdempotencyKeyReused(),
        "idempotency-key-expired": lambda _: IdempotencyKeyExpired(),
    }
)
"""Why increment.painless refuses an increment, and what it means."""


def counter_found(counter_id: str, answer: Any, log_limit: int) -> Counter:
    """Return the counter that the answer to a GET, or an item of a multi-get, holds.

    Args:
        counter_id: Which counter was asked for.
        answer: What Elasticsearch said.
        log_limit: How many operations the counter is to remember.

    Raises:
        StorageUnavailable: It holds neither a counter nor the news that there is none.
    """
    match answer:
        case {
            "found": True,
            "_seq_no": int(seq_no),
            "_primary_term": int(term),
            "_source": Mapping() as source,
        }:
            return _counter(counter_id, Revision(term, seq_no), source, log_limit)
        case {"found": False}:
            return Counter.absent(counter_id, OperationLog(limit=log_limit))
        case _:
            raise _unreadable()


def counter_shown(counter_id: str, answer: Any) -> Snapshot | None:
    """Return the value that the answer to a GET of it alone holds, None if there is no counter.

    Raises:
        StorageUnavailable: It says neither.
    """
    match answer:
        case {
            "found": True,
            "_seq_no": int(seq_no),
            "_primary_term": int(term),
            "_source": {"value": int(value)},
        }:
            return Snapshot(counter_id, value, Revision(term, seq_no))
        case {"found": False} | {"found": True, "_source": {"deleted": int()}}:
            return None
        case _:
            raise _unreadable()


def revision_written(answer: Any) -> Revision:
    """Return the revision that a document now stands at, given the answer to the request or bulk item that wrote it.

    Raises:
        StorageUnavailable: The answer does not prove the write; the outcome is unknown.
    """
    match answer:
        case {"result": "created" | "updated", "_seq_no": int(seq_no), "_primary_term": int(term)}:
            return Revision(term, seq_no)
        case _:
            raise _unproven()


def increments_applied(increments: Sequence[Increment], answer: Any) -> list[Applied | CounterError]:
    """Return what increments of a counter came to, given the answer to the update or bulk item that ran the script.

    Raises:
        StorageUnavailable: The answer does not prove the write, or not what each came to; the outcome is unknown.
    """
    match answer:
        case {"get": {"_source": {"operations": {"answers": list(told)}}}}:
            return _told_by_script(increments, told, answer)
        case {"get": {"_source": {"value": int(value)}}} if not any(item.operation for item in increments):
            revision = revision_written(answer)
            # Without keys and refusals each value is the last one without what was added after it.
            _, *after = accumulate((increment.by for increment in reversed(increments[1:])), initial=0)
            return [*(Applied(value - added, None) for added in reversed(after)), Applied(value, revision)]
        case _:
            raise _unproven()


def counters_found(counter_ids: Sequence[str], answer: Any, log_limit: int) -> list[Counter | CounterError]:
    """Return what the answer to a multi-get says of each counter, in order."""

    def found(counter_id: str, item: Any) -> Counter | CounterError:
        if isinstance(item, Mapping) and "error" in item:
            return StorageUnavailable("Elasticsearch could not read the counter.", Outcome.NOT_APPLIED)
        try:
            return counter_found(counter_id, item, log_limit)
        except CounterError as error:
            return error

    items = _items(answer, "docs", len(counter_ids))
    return [found(counter_id, item) for counter_id, item in zip(counter_ids, items, strict=True)]


def items_written(writes: Sequence[tuple[str, Callable[[Any], T]]], answer: Any) -> list[T | CounterError]:
    """Return what the answer to a bulk request says of each write, in order.

    Args:
        writes: The id of each counter, and what reads the answer to its item.
        answer: What Elasticsearch said. Its own status is 200 even where every item failed.
    """
    refusals: TallyOf[tuple[int, str]] = TallyOf()

    def written(counter_id: str, read: Callable[[Any], T], item: Any) -> T | CounterError:
        # An item has one key, its action, and under it what the answer to a single request would have held.
        content = next(iter(item.values()), None) if isinstance(item, Mapping) else None
        try:
            match content:
                case {"status": int(status), "error": _}:
                    refused = refusal(counter_id, status, content)
                    if not isinstance(refused, VersionConflict):
                        refusals[status, kind_of(content)] += 1
                    return refused
                case {"_id": written_id} if written_id == counter_id:
                    return read(content)
                case _:
                    return _unproven()
        except CounterError as error:
            return error

    items = _items(answer, "items", len(writes))
    results = [
        written(counter_id, read, item) for (counter_id, read), item in zip(writes, items, strict=True)
    ]
    for (status, kind), count in refusals.items():
        metrics.items_refused(status, count)
        tell_refusal(status, kind, count)
    return results


def confirm_deleted(answer: Any) -> None:
    """Return if the answer to a delete request says that the document is gone.

    Raises:
        StorageUnavailable: It does not prove that; the outcome is unknown.
    """
    match answer:
        case {"result": "deleted"}:
            return
        case _:
            raise _unproven()


def count_deleted(answer: Any) -> int:
    """Return how many documents are gone, given the answer to a request that deletes what a query finds.

    Raises:
        StorageUnavailable: It does not say so; the outcome is unknown.
    """
    match answer:
        case {"deleted": int(number), "failures": []}:
            return number
        case _:
            raise _unproven()


def counters_listed(answer: Any) -> list[Snapshot]:
    """Return the counters that the answer to a search holds, in its order.

    Raises:
        StorageUnavailable: It holds no list of documents, or not of counters.
    """
    match answer:
        case {"hits": {"hits": list(hits)}}:
            return [_listed(hit) for hit in hits]
        case _:
            raise _no_list()


def point_in_time(answer: Any) -> str:
    """Return the id of the moment that the answer to the request to keep one holds.

    Raises:
        StorageUnavailable: It holds none.
    """
    match answer:
        case {"id": str(moment), "_shards": {"failed": 0}}:
            return moment
        case _:
            raise _no_list()


def counters_scanned(answer: Any, log_limit: int) -> tuple[int, list[Counter]]:
    """Return how many counters there are, and those that a page of a search holds whole, in its order.

    Raises:
        StorageUnavailable: It holds no list of documents, or not of counters.
    """
    match answer:
        case {"hits": {"total": {"value": int(total), "relation": "eq"}, "hits": list(hits)}}:
            return total, [_scanned(hit, log_limit) for hit in hits]
        case _:
            raise _no_list()


def schema_versions(answer: Any) -> dict[str, Any]:
    """Return the schema version of each index in the answer to a request for mappings; None where it has none.

    Raises:
        StorageUnavailable: It holds no mappings.
    """
    try:
        return {
            name: index["mappings"].get("_meta", {}).get("schema_version") for name, index in answer.items()
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise StorageUnavailable("Elasticsearch's answer holds no mappings.", Outcome.NOT_APPLIED) from error


def encoded_key(answer: Any) -> str:
    """Return the API key, in its encoded form, that the answer to the request to make one holds.

    Raises:
        StorageUnavailable: It holds none; the outcome is unknown.
    """
    match answer:
        case {"encoded": str(key)}:
            return key
        case _:
            raise _unproven()


def _told_by_script(
    increments: Sequence[Increment], told: list[Any], answer: Mapping[str, Any]
) -> list[Applied | CounterError]:
    if len(told) != len(increments):
        raise _unproven()
    if answer.get("result") == "noop":
        return [_refused(increment, reason) for increment, reason in zip(increments, told, strict=True)]
    revision = revision_written(answer)
    added = [index for index, item in enumerate(told) if _is_applied(item) and not item[1]]
    earlier = {*added[:-1]}
    return [
        Applied(item[0], None if index in earlier else revision, item[1])
        if _is_applied(item)
        else _refused(increment, item)
        for index, (increment, item) in enumerate(zip(increments, told, strict=True))
    ]


def _is_applied(item: Any) -> bool:
    match item:
        case [int(), bool()]:
            return True
        case _:
            return False


def _refused(increment: Increment, reason: Any) -> CounterError:
    refused = REFUSED.get(reason) if isinstance(reason, str) else None
    if refused is None:
        raise _unproven()
    return refused(increment.counter_id)


def _items(answer: Any, name: str, count: int) -> list[Any]:
    """Return as many items as were asked about; each is None if the answer does not hold just so many."""
    items = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(items, list) or len(items) != count:
        return [None] * count
    return items


def _listed(hit: Any) -> Snapshot:
    match hit:
        case {"_id": str(counter_id)} if shown := counter_shown(counter_id, {"found": True, **hit}):
            return shown
        case _:
            raise _no_list()


def _scanned(hit: Any, log_limit: int) -> Counter:
    match hit:
        case {"_id": str(counter_id)}:
            return counter_found(counter_id, {"found": True, **hit}, log_limit)
        case _:
            raise _no_list()


def _counter(counter_id: str, revision: Revision, source: Mapping[str, Any], log_limit: int) -> Counter:
    log = _log(source.get("operations"), log_limit)
    match source:
        case {"value": int(value)}:
            return Counter(counter_id, value, revision, log)
        case {"deleted": int()} if "value" not in source:
            return Counter(counter_id, 0, revision, log, exists=False)
        case _:
            raise _unreadable()


def _log(operations: Any, limit: int) -> OperationLog:
    match operations:
        case None:
            return OperationLog(limit=limit)
        case {"floor": str(floor), "entries": Mapping() as entries}:
            return OperationLog(floor, entries, limit)
        case _:
            raise _unreadable()


def _unreadable() -> StorageUnavailable:
    return StorageUnavailable("Elasticsearch's answer does not say what the counter is.", Outcome.NOT_APPLIED)


def _no_list() -> StorageUnavailable:
    return StorageUnavailable("Elasticsearch's answer holds no list of counters.", Outcome.NOT_APPLIED)


def _unproven() -> StorageUnavailable:
    return StorageUnavailable("Elasticsearch's answer does not say that the write was done.", Outcome.UNKNOWN)
