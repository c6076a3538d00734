"""Every metric of the service, and the moments at which they are counted. docs/operations.md has them as a table.

Names and units are those of https://prometheus.io/docs/practices/naming/. No label holds what a caller chooses: an
unknown path or method is "none". What happens seldom is there at 0 from the start, or a first time would not be seen:
Prometheus counts the steps between two looks.

Under several workers each writes to files of its own, which whoever is asked adds up; gunicorn.conf.py sees to the
folder. Such a write takes about a microsecond, and a request makes as few as will do: a histogram counts, too.
"""

import os
import re
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from service.effort import Effort
from service.errors import ConflictsNotResolved, CounterError, Outcome, OutOfTime, StorageUnavailable

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that has prometheus_client write to files; it is looked at when that is imported."""

PARAMETER: Final = re.compile(r"<(?:[^:>]*:)?([^>]*)>")
"""A part of a path that a caller fills in, as Flask writes it."""

NONE: Final = "none"
"""What stands in a label where there is no route, or no answer."""

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From an answer that needs no storage to the time that a request has at most, unless a setting says otherwise."""

REQUESTS: Final = Histogram(
    "es_counters_http_request_duration_seconds",
    "Requests answered, and the time from the first byte of each to its answer.",
    ["method", "route", "strategy", "status"],
    buckets=SECONDS,
)
REFUSED: Final = Counter(
    "es_counters_http_requests_refused_total",
    "Requests that nothing was done for: busy, too many waited already; late, they did not arrive in time; overdue,"
    " their turn did not come in time.",
    ["reason"],
)
FAILURES: Final = Counter("es_counters_internal_errors_total", "Requests answered with status 500: bugs.")
IN_FLIGHT: Final = Gauge(
    "es_counters_http_requests_in_flight",
    "Requests that are being served or wait for a thread, within the last second.",
    multiprocess_mode="livesum",
)
ATTEMPTS: Final = Histogram(
    "es_counters_increment_attempts",
    "Increments acknowledged, and the attempts that each took.",
    ["strategy"],
    buckets=(1, 2, 3, 5, 10, 20, 50, 100),
)
FAILED: Final = Counter(
    "es_counters_increments_failed_total",
    "Increments not acknowledged, by why: conflicts, retries used up; unknown, may have been applied; unavailable,"
    " certainly not applied; late, their time was up before they were begun; refused, by a rule or condition.",
    ["strategy", "reason"],
)
REPLAYS: Final = Counter(
    "es_counters_replays_total", "Increments recognised by their key as applied before.", ["strategy"]
)
RETRIES: Final = Counter(
    "es_counters_retries_total", "Attempts after the first, whatever came of them.", ["strategy"]
)
CONFLICTS: Final = Counter(
    "es_counters_conflicts_total", "Writes that Elasticsearch refused as stale.", ["strategy"]
)
BATCH_SIZE: Final = Histogram(
    "es_counters_batch_increments",
    "Writes of /batched, and the increments that each took along.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
BATCH_WAIT: Final = Histogram(
    "es_counters_batch_wait_seconds",
    "How long the increment that had waited longest had done so when its write began.",
    buckets=SECONDS,
)
CALLS: Final = Histogram(
    "es_counters_elasticsearch_call_duration_seconds",
    'Calls to Elasticsearch, and the time that each took; the status is "none" where no answer came.',
    ["operation", "status"],
    buckets=SECONDS,
)
ITEMS_REFUSED: Final = Counter(
    "es_counters_elasticsearch_items_refused_total",
    "Items of bulk calls that Elasticsearch refused or failed, but for stale ones; the status of such a call is 200.",
    ["status"],
)

REASONS: Final = ("conflicts", "unknown", "unavailable", "late", "refused")
"""Why increments are not acknowledged."""

EXPECTED: Final = (403, 404, 429, 503)
"""What items are refused with where an index is blocked, gone, or its node has too much to do or is leaving."""


def prepare(strategies: Iterable[str]) -> None:
    """Have everything that happens seldom stand at 0; to be called once in every process that counts."""
    for reason in ("busy", "late", "overdue"):
        REFUSED.labels(reason)
    for strategy in strategies:
        for metric in (ATTEMPTS, REPLAYS, RETRIES, CONFLICTS):
            metric.labels(strategy)
        for reason in REASONS:
            FAILED.labels(strategy, reason)
    for status in EXPECTED:
        ITEMS_REFUSED.labels(status)


def answered(method: str, rule: str | None, strategy: str, status: int, seconds: float) -> None:
    """Count a request that was answered.

    Args:
        method: Its method.
        rule: Of the paths of the service the one it has met, as Flask writes it; None if there is no such path.
        strategy: Of increments; empty for anything else.
        status: Of the answer.
        seconds: How long it took.
    """
    # Without a rule the method is whatever a caller has made up: nothing is to be kept for each of those.
    child = _requests(method, rule, strategy, status) if rule else _requests(NONE, NONE, strategy, status)
    child.observe(seconds)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        FAILURES.inc()
        if strategy:
            FAILED.labels(strategy, "unknown").inc()


def taken(strategy: str, effort: Effort) -> None:
    """Count what a request has taken, and what became of its increments if it is one for them."""
    if effort.conflicts:
        CONFLICTS.labels(strategy).inc(effort.conflicts)
    if len(effort.attempts) > 1:
        RETRIES.labels(strategy).inc(effort.retries)
    if not strategy:
        return
    attempts = _attempts(strategy)
    for result in effort.results:
        if isinstance(result, CounterError):
            FAILED.labels(strategy, _reason(result)).inc()
        else:
            attempts.observe(result.attempts)
            if result.applied.replayed:
                REPLAYS.labels(strategy).inc()


def written(increments: int, waited: float) -> None:
    """Count a write of increments that wait together, of which one has waited for the longest time, in seconds."""
    BATCH_SIZE.observe(increments)
    BATCH_WAIT.observe(waited)


def called(operation: str, status: int | str, seconds: float) -> None:
    """Count a call to Elasticsearch, by the status of the answer or what there was in its place."""
    _calls(operation, status).observe(seconds)


def items_refused(status: int, count: int) -> None:
    """Count items of a bulk call that came to nothing, by their own status."""
    ITEMS_REFUSED.labels(status).inc(count)


def exposition() -> bytes:
    """Return all of it as Prometheus reads it, of all workers together where there are several."""
    if FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped there
    return generate_latest(registry)


# To look a child up by its labels takes prometheus_client longer than to count.


@cache
def _requests(method: str, rule: str, strategy: str, status: int) -> Histogram:
    return REQUESTS.labels(method, PARAMETER.sub(r"{\1}", rule), strategy, status)


@cache
def _attempts(strategy: str) -> Histogram:
    return ATTEMPTS.labels(strategy)


@cache
def _calls(operation: str, status: int | str) -> Histogram:
    return CALLS.labels(operation, status)


def _reason(error: CounterError) -> str:
    match error:
        case ConflictsNotResolved():
            return "conflicts"
        case StorageUnavailable(outcome=Outcome.UNKNOWN):
            return "unknown"
        case StorageUnavailable():
            return "unavailable"
        case OutOfTime():
            return "late"
        case _:
            return "refused"
