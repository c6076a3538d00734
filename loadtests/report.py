"""A run's verdicts as people and programs read them: a table, sentences, JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loadtests.historyfile import as_fields
from loadtests.linearizability import Answer, Finding
from loadtests.operations import History
from loadtests.plan import Plan
from loadtests.verdict import Observation, Promise, Verdict

SCHEMA_VERSION = 1
"""Of verdict.json; raised when a field changes its meaning or goes."""

COLUMNS = (
    "strategy",
    "users",
    "requested",
    "acknowledged",
    "failed",
    "unknown",
    "resolved",
    "stored",
    "lost",
    "doubled",
    "conflicts",
    "req/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "linearizable",
    "verdict",
)
ORDERS: Mapping[Answer, str] = {
    Answer.LINEARIZABLE: "yes",
    Answer.NOT_LINEARIZABLE: "no",
    Answer.UNDECIDED: "undecided",
    Answer.NOT_CHECKED: "not checked",
}
"""What stands in the column "linearizable"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A finished run."""

    plan: Plan
    verdicts: tuple[Verdict, ...]
    finished: datetime
    problem: str | None = None
    """What ended the run early, if anything did; then it doesn't hold, whatever the counters say."""
    histories: Mapping[str, History] = field(default_factory=dict)
    """What was recorded, by strategy; empty if nothing was."""

    @property
    def holds(self) -> bool:
        """Whether there is a verdict on every strategy, and all of them hold."""
        return self.problem is None and bool(self.verdicts) and all(v.holds for v in self.verdicts)


def cells(verdict: Verdict) -> tuple[str, ...]:
    """One verdict in the order of ``COLUMNS``."""
    seen = verdict.seen
    return (
        f"/{seen.strategy}",
        *map(str, (seen.users, seen.requested, seen.acknowledged, seen.failed, seen.unknown)),
        str(seen.resolved) if seen.keyed else "-",
        *(_or_dash(number) for number in (seen.stored, verdict.lost, verdict.doubled)),
        str(seen.conflicts),
        f"{seen.requests_per_second:.0f}",
        *(_or_dash(milliseconds) for milliseconds in (seen.p50, seen.p95, seen.p99)),
        "-" if seen.order is None else ORDERS[seen.order.answer],
        verdict_word(verdict),
    )


def verdict_word(verdict: Verdict) -> str:
    """The verdict in two or three words."""
    if not verdict.holds:
        return "does not hold"
    return "loses" if verdict.lost else "holds"


def sentence(verdict: Verdict) -> str:
    """The verdict in a sentence."""
    seen, name = verdict.seen, f"/{verdict.seen.strategy}"
    if not verdict.holds:
        return f"{name} does not hold: {'; '.join(verdict.reasons)}."
    unknown = f", {seen.unknown_amount} unknown" if seen.unknown_amount else ""
    resolved = f" ({seen.resolved} of {seen.acknowledged} resolved by replay)" if seen.keyed else ""
    counted = (
        f"{seen.acknowledged_amount} acknowledged{resolved}{unknown}, {seen.stored} stored{_order(seen)}"
    )
    if verdict.promise is Promise.EXACT:
        return f"{name} holds: {counted}."
    if verdict.lost:
        share = verdict.lost / seen.acknowledged_amount
        return f"{name} lost {share:.0%}, as it may: {counted}."
    return f"{name} lost nothing this time, though it may: {counted}."


def _order(seen: Observation) -> str:
    """The end of a sentence about a strategy that holds."""
    if seen.order is None:
        return ""
    if seen.order.answer is Answer.LINEARIZABLE:
        return ", linearizable"
    return f"; {seen.order.answer}: {seen.order.reason}"


def closing(report: Report) -> str:
    """The overall verdict in a sentence."""
    if report.problem is not None:
        return f"No verdict: {report.problem}."
    if report.holds:
        return "Verdict: holds. Every request is accounted for, and every promise was kept."
    failing = ", ".join(f"/{v.seen.strategy}" for v in report.verdicts if not v.holds)
    return f"Verdict: does not hold ({failing})."


def as_text(report: Report) -> str:
    """The table, a sentence a strategy and the overall verdict, for a terminal."""
    if not report.verdicts:
        return closing(report)
    rows = [COLUMNS, *map(cells, report.verdicts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, "", *map(sentence, report.verdicts), closing(report)])


def as_document(report: Report) -> dict[str, Any]:
    """What verdict.json holds; its fields are described in this folder's README."""
    plan = report.plan
    return {
        "schema_version": SCHEMA_VERSION,
        "run": plan.run,
        "host": plan.host,
        "started_at": plan.started.isoformat(timespec="milliseconds"),
        "finished_at": report.finished.isoformat(timespec="milliseconds"),
        "users": plan.users,
        "increments": plan.increments,
        "by": plan.by,
        "keys": plan.keys,
        "holds": report.holds,
        "problem": report.problem,
        "summary": closing(report),
        "strategies": [_strategy(plan, verdict) for verdict in report.verdicts],
    }


def as_json(report: Report) -> str:
    """The document as the file's text."""
    return json.dumps(as_document(report), indent=2) + "\n"


def _strategy(plan: Plan, verdict: Verdict) -> dict[str, Any]:
    seen = verdict.seen
    return {
        "strategy": seen.strategy,
        "promise": verdict.promise.value,
        "counter": plan.counter(seen.strategy),
        "users": seen.users,
        "requested": seen.requested,
        "acknowledged": seen.acknowledged,
        "failed": seen.failed,
        "unknown": seen.unknown,
        "malformed": seen.malformed,
        "keyed": seen.keyed,
        "resolved": seen.resolved,
        "replays": seen.replays,
        "acknowledged_amount": seen.acknowledged_amount,
        "unknown_amount": seen.unknown_amount,
        "stored": seen.stored,
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "conflicts": seen.conflicts,
        "seconds": round(seen.seconds, 3),
        "requests_per_second": round(seen.requests_per_second, 1),
        "linearizability": _finding(seen.order),
        "latency_ms": {"p50": seen.p50, "p95": seen.p95, "p99": seen.p99},
        "holds": verdict.holds,
        "reasons": list(verdict.reasons),
        "summary": sentence(verdict),
    }


def _finding(order: Finding | None) -> dict[str, Any] | None:
    if order is None:
        return None
    witness = [as_fields(operation) for operation in order.witness]
    return {"answer": order.answer.value, "reason": order.reason or None, "witness": witness}


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    edges = {0, len(row) - 1}
    return [
        cell.ljust(width) if index in edges else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def _or_dash(number: float | None) -> str:
    return "-" if number is None else f"{number:.0f}"
