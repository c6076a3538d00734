"""The verdict: Jepsen's counter bounds, and no request unaccounted for."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.linearizability import Answer, Finding
from loadtests.verdict import STRATEGIES, Observation, Promise, judge
from tests.unit.loadtests.observations import observed

EXACT = [name for name, promise in STRATEGIES.items() if promise is Promise.EXACT]
amounts = st.integers(min_value=1, max_value=2**63)


@st.composite
def runs(draw: st.DrawFn) -> tuple[Observation, int]:
    """What can be seen of a correct service, with the sum of the unknown increments that were applied."""
    outcomes = draw(
        st.lists(
            st.sampled_from(("acknowledged", "failed", "unknown applied", "unknown lost")),
            min_size=1,
            max_size=40,
        )
    )
    by = draw(amounts)
    count = {name: outcomes.count(name) for name in set(outcomes)}
    acknowledged, applied = count.get("acknowledged", 0), count.get("unknown applied", 0)
    unknown = applied + count.get("unknown lost", 0)
    seen = observed(
        draw(st.sampled_from(EXACT)),
        users=1,
        increments=len(outcomes),
        requested=len(outcomes),
        acknowledged=acknowledged,
        failed=count.get("failed", 0),
        unknown=unknown,
        acknowledged_amount=acknowledged * by,
        unknown_amount=unknown * by,
        stored=(acknowledged + applied) * by,
    )
    return seen, applied * by


@given(runs())
def test_a_correct_service_is_never_blamed(run: tuple[Observation, int]) -> None:
    """Whatever is refused, unknown or applied all the same, a correct counter is within the bounds."""
    verdict = judge(run[0])

    assert (0, 0) == (verdict.lost, verdict.doubled)
    assert verdict.holds or run[0].acknowledged == 0


@given(runs(), amounts)
def test_less_than_acknowledged_is_lost(run: tuple[Observation, int], missing: int) -> None:
    """Once less is stored than was acknowledged, an exact strategy doesn't hold, and the loss is exact."""
    seen = replace(run[0], stored=run[0].acknowledged_amount - missing)

    verdict = judge(seen)

    assert (missing, 0, False) == (verdict.lost, verdict.doubled, verdict.holds)


@given(runs(), amounts, st.sampled_from(Promise))
def test_more_than_can_have_been_added_is_doubled(
    run: tuple[Observation, int], surplus: int, promise: Promise
) -> None:
    """Once more is stored than was acknowledged or unknown, no strategy holds, and the surplus is exact."""
    seen = replace(run[0], stored=run[0].acknowledged_amount + run[0].unknown_amount + surplus)

    verdict = judge(seen, promise=promise)

    assert (0, surplus, False) == (verdict.lost, verdict.doubled, verdict.holds)


@given(runs(), st.sampled_from(("requested", "acknowledged", "failed", "unknown")))
def test_a_request_that_is_unaccounted_for(run: tuple[Observation, int], field: str) -> None:
    """One request more or less anywhere in the tallies, and there is nothing to rely on."""
    seen: Observation = replace(run[0], **{field: getattr(run[0], field) + 1})

    assert not judge(seen).holds


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_exact_count_holds(strategy: str) -> None:
    """What was acknowledged is stored: every strategy holds, with no reason against it."""
    verdict = judge(observed(strategy))

    assert (True, ()) == (verdict.holds, verdict.reasons)


def test_naive_may_lose() -> None:
    """A lossy strategy holds whatever it loses, and the loss is told."""
    verdict = judge(observed("naive", stored=3))

    assert (True, 7, 0) == (verdict.holds, verdict.lost, verdict.doubled)


@pytest.mark.parametrize("strategy", EXACT)
@pytest.mark.parametrize(("stored", "holds"), [(5, False), (6, True), (8, True), (9, True), (10, False)])
def test_unknown_increments_widen_the_bounds(strategy: str, stored: int, holds: bool) -> None:  # noqa: FBT001 - a table's column
    """With 6 acknowledged and 3 unknown, anything from 6 to 9 may be stored, and nothing else."""
    seen = observed(
        strategy, acknowledged=6, acknowledged_amount=6, failed=1, unknown=3, unknown_amount=3, stored=stored
    )  # fmt: skip

    assert holds == judge(seen).holds


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (
            {"requested": 0, "acknowledged": 0, "acknowledged_amount": 0, "stored": 0},
            "no request was made",
        ),
        (
            {"acknowledged": 0, "failed": 10, "acknowledged_amount": 0, "stored": 0},
            "nothing was acknowledged, so there is nothing to judge",
        ),
        ({"stored": None}, "the counter couldn't be read"),
        ({"problem": "the reading failed"}, "the reading failed"),
        ({"users": 3}, "10 requests were made, 15 should have been"),
        ({"acknowledged": 9}, "10 requests were made, but 9 ended"),
        (
            {"acknowledged": 8, "acknowledged_amount": 8, "unknown": 2, "unknown_amount": 2, "malformed": 2},
            "2 answers said 200 with a body that the contract doesn't describe",
        ),
        (
            {
                "acknowledged": 8,
                "acknowledged_amount": 8,
                "unknown": 2,
                "unknown_amount": 2,
                "keyed": True,
                "replays": 7,
            },
            "2 increments with keys are of unknown outcome, in spite of 7 replays",
        ),
        ({"stored": 9}, "9 is stored, 1 less than the 10 acknowledged"),
        ({"stored": 12}, "12 is stored, 2 more than the 10 that can have been added"),
    ],
)
def test_each_reason_has_a_sentence(seen: dict[str, Any], reason: str) -> None:
    """Whatever keeps a verdict from holding is said in words that tell where to look."""
    verdict = judge(observed(**seen))

    assert not verdict.holds
    assert reason in verdict.reasons


@pytest.mark.parametrize(
    ("unknown", "stored", "holds"), [(0, 10, True), (0, 9, False), (0, 11, False), (2, 10, False)]
)
def test_with_keys_the_bounds_are_one_number(unknown: int, stored: int, holds: bool) -> None:  # noqa: FBT001 - a table's column
    """With keys nothing may be left unknown, and what is stored is exactly what was asked for."""
    acknowledged = 10 - unknown
    seen = observed(
        acknowledged=acknowledged, acknowledged_amount=acknowledged, unknown=unknown, unknown_amount=unknown,
        stored=stored, keyed=True, resolved=1, replays=4,
    )  # fmt: skip

    assert holds == judge(seen).holds


def test_incomplete_tallies_blame_nobody() -> None:
    """When requests are missing, a counter that is off is no proof against the service, and isn't said to be."""
    verdict = judge(observed(requested=4, acknowledged=4, acknowledged_amount=4))

    assert ("4 requests were made, 10 should have been",) == verdict.reasons


ORDERS = {answer: Finding(answer=answer, reason="so it is") for answer in Answer}


@pytest.mark.parametrize("strategy", EXACT)
@pytest.mark.parametrize(
    ("order", "reasons"),
    [
        (ORDERS[Answer.LINEARIZABLE], ()),
        (ORDERS[Answer.NOT_LINEARIZABLE], ("it is not linearizable: so it is",)),
        (ORDERS[Answer.UNDECIDED], ("whether it is linearizable is undecided: so it is",)),
        (ORDERS[Answer.NOT_CHECKED], ()),
        (None, ()),
    ],
)
def test_the_order_of_an_exact_counter(
    strategy: str, order: Finding | None, reasons: tuple[str, ...]
) -> None:
    """An exact strategy has to be linearizable where that was to be decided, whatever its totals are."""
    assert reasons == judge(observed(strategy, order=order)).reasons


@pytest.mark.parametrize("order", ORDERS.values())
def test_naive_promises_no_order(order: Finding) -> None:
    """A lossy strategy holds whether or not its answers fit an order."""
    assert judge(observed("naive", order=order)).holds


@pytest.mark.parametrize("answer", [Answer.NOT_LINEARIZABLE, Answer.UNDECIDED])
def test_an_incomplete_history_blames_nobody(answer: Answer) -> None:
    """When requests are missing, they may be what would explain the answers to the others."""
    verdict = judge(observed(requested=4, acknowledged=4, acknowledged_amount=4, order=ORDERS[answer]))

    assert ("4 requests were made, 10 should have been",) == verdict.reasons


def test_requests_per_second() -> None:
    """The rate is that of the requests over the time they took, and 0 when no time passed."""
    assert [2.5, 0.0] == [observed(seconds=seconds).requests_per_second for seconds in (4.0, 0.0)]
