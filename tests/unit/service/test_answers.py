"""Elasticsearch's answers, well-formed and not: only what proves a write is taken for one."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.counters import Applied, Counter, Increment, Revision
from service.errors import (
    CounterError,
    CounterOverflow,
    IdempotencyKeyExpired,
    IdempotencyKeyReused,
    Outcome,
    StorageRefused,
    StorageUnavailable,
    VersionConflict,
)
from service.operations import Operation, OperationLog
from service.storage import answers
from service.storage.outcomes import refusal

FOUND = {"_id": "c", "found": True, "_seq_no": 7, "_primary_term": 2, "_source": {"value": 5}}
INDEXED = {"_id": "c", "result": "updated", "_seq_no": 7, "_primary_term": 2}
UPDATED = {**INDEXED, "get": {"_source": {"value": 5}}}
NO_LOG = OperationLog(limit=10)
REVISION = Revision(primary_term=2, seq_no=7)
KEY = "0190163d8694739baea5966c26f8ad91"
LOGGED = {"floor": "0", "entries": {KEY: [5, "f"]}}
PLAIN = Increment("c")
OPERATION = Increment("c", 1, Operation(KEY, "f"))

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


def without(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the answer once without each of its parts."""
    return [{name: part for name, part in answer.items() if name != left_out} for left_out in answer]


def test_whole_answers_are_taken() -> None:
    """What says everything is a counter, a revision, or what an increment came to."""
    assert Counter("c", 5, REVISION, NO_LOG) == answers.counter_found("c", FOUND, 10)
    assert Counter.absent("c", NO_LOG) == answers.counter_found("c", {"_id": "c", "found": False}, 10)
    assert REVISION == answers.revision_written(INDEXED)
    assert [Applied(5, REVISION)] == answers.increments_applied([PLAIN], UPDATED)
    assert [Applied(4, REVISION, replayed=True)] == answers.increments_applied([OPERATION], told([4, True]))


def told(*items: Any, result: str = "updated") -> dict[str, Any]:
    """Return an answer in which the script says what each increment came to."""
    source = {"value": 9, "operations": {"answers": list(items)}}
    return {**INDEXED, "result": result, "get": {"_source": source}}


def test_each_of_several_increments_is_told_apart() -> None:
    """Where the script is silent the values follow from the amounts; what it refuses is refused alone."""
    several = [Increment("c", 3), Increment("c", -1), Increment("c", 2)]

    silent = answers.increments_applied(several, UPDATED)
    refused, applied = answers.increments_applied(
        [OPERATION, PLAIN], told("idempotency-key-expired", [6, False])
    )

    assert [4, 3, 5] == [each.value for each in silent if isinstance(each, Applied)]
    assert IdempotencyKeyExpired is type(refused)
    assert Applied(6, REVISION) == applied


def test_only_the_last_of_several_increments_has_a_revision() -> None:
    """Those before it never stood by themselves; a repetition has the one that it was answered at."""
    several = [OPERATION, OPERATION, OPERATION, PLAIN, OPERATION]

    silent = answers.increments_applied([PLAIN] * 3, UPDATED)
    told_of = answers.increments_applied(
        several, told([1, False], [1, True], [2, False], "counter-overflow", [1, True])
    )

    assert [None, None, REVISION] == [each.revision for each in silent if isinstance(each, Applied)]
    assert [None, REVISION, REVISION, REVISION] == [
        each.revision for each in told_of if isinstance(each, Applied)
    ]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("counter-overflow", CounterOverflow),
        ("idempotency-key-reused", IdempotencyKeyReused),
        ("idempotency-key-expired", IdempotencyKeyExpired),
    ],
)
def test_where_all_is_refused_nothing_needs_to_be_written(reason: str, expected: type[CounterError]) -> None:
    """An increment that the script refuses is refused without a write; nothing else is."""
    [refused] = answers.increments_applied([OPERATION], told(reason, result="noop"))

    assert expected is type(refused)
    with pytest.raises(StorageUnavailable):
        answers.increments_applied([OPERATION], told([4, False], result="noop"))


def test_a_counter_is_found_with_its_log() -> None:
    """What was deleted has a log and no value."""
    log = OperationLog("0", {KEY: (5, "f")}, 10)

    counter = answers.counter_found("c", {**FOUND, "_source": {"value": 5, "operations": LOGGED}}, 10)
    deleted = answers.counter_found("c", {**FOUND, "_source": {"deleted": 1, "operations": LOGGED}}, 10)

    assert Counter("c", 5, REVISION, log) == replace(counter, log=as_tuples(counter.log))
    assert Counter("c", 0, REVISION, log, exists=False) == replace(deleted, log=as_tuples(deleted.log))


def as_tuples(log: OperationLog) -> OperationLog:
    """Return a log whose entries compare equal to those not read from JSON."""
    return replace(log, entries={key: (value, name) for key, (value, name) in log.entries.items()})


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        b"",
        [],
        {},
        {"acknowledged": True},
        {**UPDATED, "result": "noop"},
        {**UPDATED, "result": "deleted"},
        {**UPDATED, "_seq_no": None},
        {**UPDATED, "get": {"_source": {}}},
        {**UPDATED, "get": {"_source": {"value": "5"}}},
        told("something else"),
        told("something else", result="noop"),
        told([5]),
        told([5, 0]),
        told([5, False], [6, False]),
        told([5, False], result="noop"),
        told(),
        *(part for part in without(UPDATED) if "_id" in part),
    ],
)
def test_a_write_without_proof_is_unknown(answer: Any) -> None:
    """Whatever is missing, the write may have been done and is not taken for done."""
    with pytest.raises(StorageUnavailable) as caught:
        answers.increments_applied([PLAIN], answer)
    with pytest.raises(StorageUnavailable) as caught_again:
        answers.increments_applied([OPERATION], answer)

    assert Outcome.UNKNOWN is caught.value.outcome
    assert Outcome.UNKNOWN is caught_again.value.outcome


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        [],
        {},
        *(part for part in without(FOUND) if "_id" in part),
        {**FOUND, "_source": {}},
        {**FOUND, "_source": {"operations": LOGGED}},
        {**FOUND, "_source": {"value": "5", "deleted": 1}},
        {**FOUND, "_source": {"value": 5, "operations": {"floor": "0"}}},
    ],
)
def test_a_read_that_says_nothing_is_not_a_counter_at_zero(answer: Any) -> None:
    """Only the plain news that there is no document makes a counter absent."""
    with pytest.raises(StorageUnavailable) as caught:
        answers.counter_found("c", answer, 10)

    assert Outcome.NOT_APPLIED is caught.value.outcome


@given(answer=json)
def test_no_junk_is_taken_for_success(answer: Any) -> None:
    """Arbitrary JSON proves nothing, neither alone nor as a list's answer nor as an item of one."""
    writes = [("c", partial(answers.increments_applied, [PLAIN]))]

    [bulk] = answers.items_written(writes, answer)
    [item] = answers.items_written(writes, {"items": [answer]})
    [read] = answers.counters_found(["c"], answer, 10)

    assert all(isinstance(result, CounterError) for result in (bulk, item, read))


def test_items_are_read_one_by_one() -> None:
    """A bulk answer's own status says nothing of its items."""
    conflict = {"_id": "b", "status": 409, "error": {"type": "version_conflict_engine_exception"}}
    items = [{"update": {**UPDATED, "status": 200}}, {"update": conflict}]

    written, refused = answers.items_written(
        [
            ("c", partial(answers.increments_applied, [PLAIN])),
            ("b", partial(answers.increments_applied, [PLAIN])),
        ],
        {"items": items},
    )

    assert [Applied(5, REVISION)] == written
    assert isinstance(refused, VersionConflict)
    assert "b" == refused.counter_id


def test_what_is_refused_alike_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """A list of a thousand would fill the log at the moment when somebody reads it."""
    blocked = {"update": {"status": 403, "error": {"type": "cluster_block_exception"}}}
    busy = {"update": {"status": 429, "error": {"type": "es_rejected_execution_exception"}}}
    stale = {"update": {"status": 409, "error": {"type": "version_conflict_engine_exception"}}}
    items = [blocked] * 1000 + [busy, stale]

    results = answers.items_written([("a", lambda _: None)] * len(items), {"items": items})

    assert all(isinstance(result, CounterError) for result in results)
    assert [
        "Elasticsearch answered 403: cluster_block_exception (1000 items)",
        "Elasticsearch answered 429: es_rejected_execution_exception",
    ] == [record.getMessage() for record in caplog.records]


def test_items_of_other_documents_prove_nothing() -> None:
    """An answer in another order than the request is not believed."""
    items = [{"update": {**UPDATED, "_id": "other"}}]

    [result] = answers.items_written([("c", partial(answers.increments_applied, [PLAIN]))], {"items": items})

    assert isinstance(result, StorageUnavailable)
    assert Outcome.UNKNOWN is result.outcome


@pytest.mark.parametrize(
    ("status", "body", "expected", "outcome"),
    [
        (409, {"error": {"type": "version_conflict_engine_exception"}}, VersionConflict, Outcome.NOT_APPLIED),
        (400, {"error": {"type": "illegal_argument_exception"}}, StorageRefused, Outcome.NOT_APPLIED),
        (400, {"error": {"type": "mapper_parsing_exception"}}, StorageRefused, Outcome.NOT_APPLIED),
        (401, {"error": {"type": "security_exception"}}, StorageRefused, Outcome.NOT_APPLIED),
        (403, {"error": {"type": "cluster_block_exception"}}, StorageRefused, Outcome.NOT_APPLIED),
        (404, {"error": {"type": "index_not_found_exception"}}, StorageRefused, Outcome.NOT_APPLIED),
        (408, "", StorageUnavailable, Outcome.UNKNOWN),
        (409, {"message": "busy"}, StorageUnavailable, Outcome.UNKNOWN),
        (
            429,
            {"error": {"type": "es_rejected_execution_exception"}},
            StorageUnavailable,
            Outcome.NOT_APPLIED,
        ),
        (429, {"error": {"type": "cluster_block_exception"}}, StorageUnavailable, Outcome.NOT_APPLIED),
        (500, None, StorageUnavailable, Outcome.UNKNOWN),
        (502, "<html>", StorageUnavailable, Outcome.UNKNOWN),
        (503, {"error": "x"}, StorageUnavailable, Outcome.UNKNOWN),
        (504, b"", StorageUnavailable, Outcome.UNKNOWN),
        (302, "", StorageUnavailable, Outcome.UNKNOWN),
    ],
)
def test_a_refusal_says_whether_it_may_have_been_applied(
    status: int, body: Any, expected: type[CounterError], outcome: Outcome
) -> None:
    """Only a refusal before anything was done is certain."""
    error = refusal("c", status, body)

    assert expected is type(error)
    assert outcome is error.outcome


@given(status=st.integers(100, 599), body=json)
def test_no_refusal_is_too_strange(status: int, body: Any) -> None:
    """Every status with every body is some error of the service's own."""
    assert isinstance(refusal(Increment("c").counter_id, status, body), CounterError)


@pytest.mark.parametrize(
    "answer", [None, {}, {"deleted": 3}, {"failures": []}, {"deleted": 3, "failures": [{"status": 503}]}]
)
def test_a_deletion_by_query_is_believed_only_if_all_of_it_was_done(answer: Any) -> None:
    """Its answer has a status of 200 also where some shards have failed."""
    assert 3 == answers.count_deleted({"deleted": 3, "failures": []})
    with pytest.raises(StorageUnavailable):
        answers.count_deleted(answer)


HIT = {"_id": "c", "_seq_no": 7, "_primary_term": 2, "_source": {"value": 5, "operations": LOGGED}}
SCANNED = {"hits": {"total": {"value": 3, "relation": "eq"}, "hits": [HIT]}}


def test_a_page_of_a_scan_holds_counters_with_their_logs() -> None:
    """And says how many there are in all."""
    log = OperationLog("0", {KEY: [5, "f"]}, 10)  # type: ignore[dict-item]  # as JSON has it

    assert (3, [Counter("c", 5, REVISION, log)]) == answers.counters_scanned(SCANNED, 10)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"hits": {"hits": [HIT]}},
        {"hits": {**SCANNED["hits"], "total": {"value": 3, "relation": "gte"}}},
        *({"hits": {**SCANNED["hits"], "hits": [hit]}} for hit in without(HIT)),
    ],
)
def test_a_page_of_a_scan_that_is_not_whole_is_none(answer: Any) -> None:
    """No counter is left out because an answer was cut."""
    with pytest.raises(StorageUnavailable):
        answers.counters_scanned(answer, 10)


@pytest.mark.parametrize("answer", [None, {}, {"id": "m"}, {"id": "m", "_shards": {"failed": 1}}])
def test_a_moment_that_not_all_shards_keep_is_none(answer: Any) -> None:
    """Nor are the counters of a shard."""
    with pytest.raises(StorageUnavailable):
        answers.point_in_time(answer)


@pytest.mark.parametrize("answer", [None, {}, {"encoded": None}, {"id": "k", "api_key": "s"}])
def test_an_answer_without_a_key_leaves_it_unknown_whether_there_is_one(answer: Any) -> None:
    """It may have been made."""
    with pytest.raises(StorageUnavailable) as caught:
        answers.encoded_key(answer)

    assert Outcome.UNKNOWN is caught.value.outcome
