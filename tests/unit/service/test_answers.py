"""Elasticsearch's answers, well-formed and not: only what proves a write is taken for one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.counters import Counter, Increment, Revision
from service.errors import (
    CounterError,
    CounterOverflow,
    Outcome,
    StorageRefused,
    StorageUnavailable,
    VersionConflict,
)
from service.storage import answers
from service.storage.outcomes import refusal

FOUND = {"_id": "c", "found": True, "_seq_no": 7, "_primary_term": 2, "_source": {"value": 5}}
INDEXED = {"_id": "c", "result": "updated", "_seq_no": 7, "_primary_term": 2}
UPDATED = {**INDEXED, "get": {"_source": {"value": 5}}}
COUNTER = Counter("c", 5, Revision(primary_term=2, seq_no=7))

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


def without(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the answer once without each of its parts."""
    return [{name: part for name, part in answer.items() if name != left_out} for left_out in answer]


def test_whole_answers_are_counters() -> None:
    """What says everything is taken."""
    assert COUNTER == answers.counter_found("c", FOUND)
    assert COUNTER == answers.counter_indexed("c", 5, INDEXED)
    assert COUNTER == answers.counter_updated("c", UPDATED)
    assert Counter.absent("c") == answers.counter_found("c", {"_id": "c", "found": False})


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
        *(part for part in without(UPDATED) if "_id" in part),
    ],
)
def test_a_write_without_proof_is_unknown(answer: Any) -> None:
    """Whatever is missing, the write may have been done and is not taken for done."""
    with pytest.raises(StorageUnavailable) as caught:
        answers.counter_updated("c", answer)

    assert Outcome.UNKNOWN is caught.value.outcome


@pytest.mark.parametrize("answer", [None, "", [], {}, *(part for part in without(FOUND) if "_id" in part)])
def test_a_read_that_says_nothing_is_not_a_counter_at_zero(answer: Any) -> None:
    """Only the plain news that there is no document makes a counter absent."""
    with pytest.raises(StorageUnavailable) as caught:
        answers.counter_found("c", answer)

    assert Outcome.NOT_APPLIED is caught.value.outcome


@given(answer=json)
def test_no_junk_is_taken_for_success(answer: Any) -> None:
    """Arbitrary JSON proves nothing, neither alone nor as a list's answer nor as an item of one."""
    writes = [("c", lambda item: answers.counter_updated("c", item))]

    [bulk] = answers.counters_written(writes, answer)
    [item] = answers.counters_written(writes, {"items": [answer]})
    [read] = answers.counters_found(["c"], answer)

    assert all(isinstance(result, CounterError) for result in (bulk, item, read))


def test_items_are_read_one_by_one() -> None:
    """A bulk answer's own status says nothing of its items."""
    conflict = {"_id": "b", "status": 409, "error": {"type": "version_conflict_engine_exception"}}
    items = [{"update": {**UPDATED, "status": 200}}, {"update": conflict}]

    written, refused = answers.counters_written(
        [("c", lambda item: answers.counter_updated("c", item)), ("b", lambda _: COUNTER)], {"items": items}
    )

    assert COUNTER == written
    assert isinstance(refused, VersionConflict)
    assert "b" == refused.counter_id


def test_items_of_other_documents_prove_nothing() -> None:
    """An answer in another order than the request is not believed."""
    items = [{"update": {**UPDATED, "_id": "other"}}]

    [result] = answers.counters_written(
        [("c", lambda item: answers.counter_updated("c", item))], {"items": items}
    )

    assert isinstance(result, StorageUnavailable)
    assert Outcome.UNKNOWN is result.outcome


OVERFLOW = {
    "type": "illegal_argument_exception",
    "caused_by": {
        "type": "script_exception",
        "caused_by": {"type": "arithmetic_exception", "reason": "counter-overflow"},
    },
}


@pytest.mark.parametrize(
    ("status", "body", "expected", "outcome"),
    [
        (409, {"error": {"type": "version_conflict_engine_exception"}}, VersionConflict, Outcome.NOT_APPLIED),
        (400, {"error": OVERFLOW}, CounterOverflow, Outcome.NOT_APPLIED),
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
