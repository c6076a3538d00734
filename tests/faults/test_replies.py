"""Rows 1 to 4: the write is done, and its reply is lost, cut, rewritten, or about a conflict with itself."""

from typing import Final

import pytest

from tests.faults import rows
from tests.faults.cases import Case, every_case, for_each, singles
from tests.faults.conftest import Enter
from tests.faults.rows import GATEWAYS, Bench
from tests.strategies import READING

SINGLES: Final = [*singles(keyed=True), *singles(keyed=False)]
CUT: Final = [case for case in every_case(naive=True) if not (case.strategy == "naive" and case.in_lists)]


@for_each(every_case(naive=True), short=SINGLES)
def test_a_lost_reply_counts_once(bench: Bench, enter: Enter, counter_id: str, case: Case) -> None:
    """Whatever is told of it, a write whose reply is lost counts at most once, and once with a key."""
    enter(rows.reply_lost(bench, case, counter_id))


@for_each(every_case(naive=True), short=singles(keyed=True))
def test_a_lost_answer_counts_once(bench: Bench, enter: Enter, counter_id: str, case: Case) -> None:
    """A caller that was not told may ask again with its key, and without one is told nothing false."""
    enter(rows.answer_lost(bench, case, counter_id))


@pytest.mark.timeout(900)
@for_each(CUT, short=[Case("scripted", keyed=True), Case("occ", keyed=False), Case("batched", keyed=False)])
def test_a_cut_reply_proves_nothing(bench: Bench, enter: Enter, counter_id: str, case: Case) -> None:
    """However little of a reply is missing, no success is made of it without a proof."""
    figures = rows.reply_cut(bench, case, counter_id)

    enter(*figures)
    assert case.keyed or sum(each.unknown for each in figures) >= sum(each.struck for each in figures)


@pytest.mark.timeout(900)
@for_each(case for case in CUT if case.strategy in READING)
def test_a_cut_read_is_no_counter_at_0(bench: Bench, enter: Enter, counter_id: str, case: Case) -> None:
    """However little of a counter is missing, nothing is added to what is left."""
    figures = rows.read_cut(bench, case, counter_id)

    enter(*figures)
    assert case.keyed or sum(each.refused for each in figures) >= sum(each.struck for each in figures)


@pytest.mark.parametrize(
    "status", [pytest.param(status, marks=[] if status == 503 else [pytest.mark.long]) for status in GATEWAYS]
)
@for_each(every_case(naive=True), short=SINGLES)
def test_a_gateways_word_is_not_taken(
    bench: Bench, enter: Enter, counter_id: str, case: Case, status: int
) -> None:
    """A status of a gateway's says nothing of what became of the write behind it."""
    enter(rows.status_rewritten(bench, case, counter_id, status))


@for_each((case for case in every_case(naive=False) if case.strategy == "occ"), short=SINGLES)
def test_a_lost_conditional_write_is_not_added_again(
    bench: Bench, enter: Enter, counter_id: str, case: Case
) -> None:
    """That its own write has made it stale is no reason for an increment to start over."""
    enter(rows.write_lost(bench, case, counter_id))


@for_each((case for case in every_case(naive=False) if case.keyed), short=SINGLES)
def test_a_conflict_with_itself_is_recognised(
    bench: Bench, enter: Enter, counter_id: str, case: Case
) -> None:
    """A write that was repeated on its way meets itself, and is told as the success that it is."""
    enter(rows.write_repeated(bench, case, counter_id))
