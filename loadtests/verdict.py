"""The verdict over one strategy's run: does the counter hold what the service acknowledged?

Two questions are asked, and an exact counter has to pass both: whether the totals are within their bounds, and
whether the answers fit an order of the increments, which ``linearizability.py`` decides.

The bounds are those of Jepsen's counter checker: an acknowledged increment must be there, a refused one
must not, and one whose outcome nobody knows may or may not be. So an exact counter satisfies
``acknowledged <= stored <= acknowledged + unknown``, each of them a sum of amounts. With idempotency keys none
may be left unknown, and ``stored`` has to be ``acknowledged``.

This module is pure: no Locust, no HTTP, no clock.
Source of the bounds: https://github.com/jepsen-io/jepsen/blob/main/jepsen/src/jepsen/checker.clj
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from loadtests.linearizability import Answer, Finding


class Promise(StrEnum):
    """What a strategy promises about acknowledged increments."""

    EXACT = "exact"
    """None is lost, none is counted twice."""

    LOSSY = "lossy"
    """Concurrent ones may overwrite each other, but the counter never holds more than was asked for."""


STRATEGIES: Mapping[str, Promise] = {
    "naive": Promise.LOSSY,
    "occ": Promise.EXACT,
    "scripted": Promise.EXACT,
    "batched": Promise.EXACT,
}
"""Every strategy that can be driven, in the order of the table, and what it is judged by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was seen of one strategy. Counts are requests; ``*_amount`` and ``stored`` are sums of amounts."""

    strategy: str
    users: int
    increments: int
    """Increments a user was told to make."""
    requested: int
    acknowledged: int
    failed: int
    """Requests that were certainly not applied: refused with a 4xx, "not-applied", connection refused."""
    unknown: int
    """Requests that may have been applied or not: "unknown", time-outs, connections that broke."""
    malformed: int = 0
    """Those of the unknown ones that were answered 200 with a body that the contract doesn't describe."""
    acknowledged_amount: int
    unknown_amount: int
    stored: int | None
    """The counter's value after the run, or None if it couldn't be read."""
    keyed: bool = False
    """Whether each increment had an idempotency key, and was replayed as long as its outcome was unknown."""
    resolved: int = 0
    """Those of the acknowledged ones whose outcome was unknown until a replay was answered."""
    replays: int = 0
    """Requests beyond one for each increment."""
    conflicts: int = 0
    """Version conflicts that the service reported to have resolved itself."""
    seconds: float = 0.0
    """From the first request to the last answer."""
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    """Response times in milliseconds, answered or not."""
    order: Finding | None = None
    """Whether the answers fit an order of the increments; None as long as the run is under way."""
    problem: str | None = None
    """What kept the run from being driven or read back, if anything did."""

    @property
    def requests_per_second(self) -> float:
        """Requests a second, 0 when nothing could be measured."""
        return self.requested / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An observation, judged."""

    seen: Observation
    promise: Promise
    lost: int | None
    """``max(0, acknowledged - stored)``: what callers were told is counted, and isn't. None if unreadable."""
    doubled: int | None
    """``max(0, stored - acknowledged - unknown)``: what nobody can have asked for. None if unreadable."""
    reasons: tuple[str, ...]
    """Why it doesn't hold, in sentences; empty if it does."""

    @property
    def holds(self) -> bool:
        """Whether the strategy kept its promise and every request is accounted for."""
        return not self.reasons


def judge(seen: Observation, *, promise: Promise | None = None) -> Verdict:
    """Judge what was seen of a strategy.

    Args:
        seen: the tallies of all its users, and the counter read after the last of them was done.
        promise: what to judge by; what ``STRATEGIES`` says by default.
    """
    promise = STRATEGIES[seen.strategy] if promise is None else promise
    lost = doubled = None
    if seen.stored is not None:
        lost = max(0, seen.acknowledged_amount - seen.stored)
        doubled = max(0, seen.stored - seen.acknowledged_amount - seen.unknown_amount)
    reasons = (
        *_unaccounted(seen),
        *_out_of_bounds(seen, promise, lost, doubled),
        *_out_of_order(seen, promise),
    )
    return Verdict(seen=seen, promise=promise, lost=lost, doubled=doubled, reasons=reasons)


def _unaccounted(seen: Observation) -> Iterator[str]:
    """Name what keeps the tallies from meaning anything."""
    if seen.problem is not None:
        yield seen.problem
    if seen.requested == 0:
        yield "no request was made"
    elif seen.acknowledged == 0:
        # 0 <= 0 <= 0 holds for a service that refuses everything: a verdict on nothing.
        yield "nothing was acknowledged, so there is nothing to judge"
    if seen.requested != seen.users * seen.increments:
        yield f"{seen.requested} requests were made, {seen.users * seen.increments} should have been"
    if (ended := seen.acknowledged + seen.failed + seen.unknown) != seen.requested:
        yield f"{seen.requested} requests were made, but {ended} ended"
    if seen.keyed and seen.unknown:
        # With a key, an outcome can be had. And only without unknown ones is what has to be stored one number.
        yield f"{seen.unknown} increments with keys are of unknown outcome, in spite of {seen.replays} replays"
    if seen.malformed:
        yield f"{seen.malformed} answers said 200 with a body that the contract doesn't describe"


def _out_of_bounds(
    seen: Observation, promise: Promise, lost: int | None, doubled: int | None
) -> Iterator[str]:
    """Name the bounds that the counter is outside of."""
    if lost is None or doubled is None:
        yield "the counter couldn't be read"
    elif seen.requested < seen.users * seen.increments:
        return  # what the missing ones did is anybody's guess: a killed worker takes tallies with it
    elif doubled:
        most = seen.acknowledged_amount + seen.unknown_amount
        yield f"{seen.stored} is stored, {doubled} more than the {most} that can have been added"
    elif lost and promise is Promise.EXACT:
        yield f"{seen.stored} is stored, {lost} less than the {seen.acknowledged_amount} acknowledged"


def _out_of_order(seen: Observation, promise: Promise) -> Iterator[str]:
    """Say why the answers fit no order of the increments, if they have to and don't."""
    if promise is not Promise.EXACT or seen.order is None:
        return
    if seen.requested < seen.users * seen.increments:
        return  # likewise: what is missing may be what would explain the rest
    if seen.order.answer is Answer.NOT_LINEARIZABLE:
        yield f"it is not linearizable: {seen.order.reason}"
    elif seen.order.answer is Answer.UNDECIDED:
        yield f"whether it is linearizable is undecided: {seen.order.reason}"
