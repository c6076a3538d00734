"""What surrounds every request: its id, its deadline, its line in the log, and the check of the id in its path."""

import random
import re
import time
from collections.abc import Container
from http import HTTPStatus
from typing import Final

import structlog
from flask import Flask, Response
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import BadRequest, NotFound, RequestTimeout
from werkzeug.routing import UnicodeConverter

from service import admission, deadlines, effort, metrics, tracing
from service.access import Token
from service.admission import Refusal
from service.api import access
from service.api.asked import Asked, at_hand
from service.api.metrics import PATH as METRICS
from service.api.problems import InvalidHeader, Problematic
from service.counters import COUNTER_ID, is_counter_id
from service.effort import Effort
from service.errors import CounterError, Outcome, OutOfTime, StorageUnavailable

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
"""What a caller's request id may look like; any other is replaced, for it is written to the log."""

SECONDS: Final = re.compile(admission.PATIENCE)

logger = structlog.get_logger(__name__)


class CounterIdConverter(UnicodeConverter):
    """Marks the part of a path that is a counter's id.

    It matches whatever may stand in one segment: an id that is not allowed is a bad request, not an unknown path.
    """


def surround(app: Flask, *, tokens: tuple[Token, ...], timeout: float, strategies: Container[str]) -> None:
    """Give every request of ``app`` an id, a deadline and a line in the log, and refuse who and what is not allowed.

    Args:
        app: What is surrounded.
        tokens: Who is allowed; without any, everybody.
        timeout: Seconds within which a request is answered, unless its caller waits for less.
        strategies: The blueprints whose requests are told by their strategy, which is called the same.
    """
    app.url_map.converters["counter_id"] = CounterIdConverter

    @app.before_request
    def begin() -> None:
        asked = at_hand()
        _name(asked)
        if tokens:
            # Before all else: to whom is not let in, the service tells nothing of what it would have answered.
            access.check(asked, tokens)
        _admit(asked, timeout)
        _check_path(asked)

    @app.after_request
    def finish(response: Response) -> Response:
        asked = at_hand()
        name = asked.blueprint or ""
        return _finish(asked, response, name if name in strategies else "")

    app.teardown_request(_forget)


def _name(asked: Asked) -> None:
    given = asked.environ.get("HTTP_X_REQUEST_ID", "")
    asked.id = given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
    asked.began = time.perf_counter_ns()
    effort.begin(admission.at_hand().since)
    names = {"http.request.id": asked.id}
    if trace_id := tracing.trace_id(asked.environ.get("HTTP_TRACEPARENT")):
        names["trace.id"] = trace_id
    bind_contextvars(**names)


def _admit(asked: Asked, timeout: float) -> None:
    """Give the request its deadline, which counts from its first byte, or refuse it."""
    arrival = admission.at_hand()
    deadlines.begin(timeout, since=arrival.since)
    match arrival.refusal:
        case Refusal.BUSY:
            metrics.REFUSED.labels("busy").inc()
            raise StorageUnavailable("The service is busy: too many requests wait already.")
        case Refusal.LATE:
            metrics.REFUSED.labels("late").inc()
            raise RequestTimeout("The request was not there as a whole within the time for it.")
        case Refusal.OVERDUE:
            metrics.REFUSED.labels("overdue").inc()
            raise OutOfTime
    patience = asked.environ.get("HTTP_X_REQUEST_TIMEOUT")
    if patience is None:
        return
    if not SECONDS.fullmatch(patience):
        reason = "Must be seconds from 0.001 to 9999.999, as a decimal number."
        raise InvalidHeader("X-Request-Timeout", reason)
    deadlines.begin(min(timeout, float(patience)), since=arrival.since)


def _check_path(asked: Asked) -> None:
    if access.is_nobodys_path(asked):
        raise NotFound
    counter_id = (asked.view_args or {}).get("counter_id")
    if counter_id is not None and not is_counter_id(counter_id):
        raise BadRequest(f"A counter's id must match ^{COUNTER_ID.pattern}$.")


def _finish(asked: Asked, response: Response, strategy: str) -> Response:
    response.headers.add("X-Request-Id", asked.id)
    if asked.method != "POST":
        # What was read may be kept, but must be asked for again: a counter is stale at once. What was posted never is.
        response.headers["Cache-Control"] = "no-cache"
    response.headers.add("X-Content-Type-Options", "nosniff")
    spent = effort.at_hand()
    _log(asked, response, strategy, spent)
    rule = asked.url_rule.rule if asked.url_rule else None
    metrics.answered(asked.method, rule, strategy, response.status_code, time.monotonic() - spent.since)
    metrics.taken(strategy, spent)
    tracing.tell(strategy, spent)
    return response


def _log(asked: Asked, response: Response, strategy: str, spent: Effort) -> None:
    status = response.status_code
    outcome = _outcome(status, strategy, spent)
    # Those who ask every few seconds are worth a line only where they are not answered well.
    often = asked.blueprint == "health" or asked.path == METRICS
    log = logger.debug if often and status == HTTPStatus.OK else logger.info
    fields = {
        "http.request.method": asked.method,
        "url.path": asked.path,
        "http.response.status_code": status,
        "event.duration": time.perf_counter_ns() - asked.began,
        "event.outcome": outcome,
    }
    if strategy:
        fields["counters.strategy"] = strategy
        fields["counters.attempts"] = spent.tries
    if outcome != "success":
        fields.update(_why(response, spent))
    log("request answered", **fields)


def _outcome(status: int, strategy: str, spent: Effort) -> str:
    """Return what became of a request, in the three words that the schema has for it."""
    match spent.outcome:
        case Outcome.UNKNOWN:
            return "unknown"
        case Outcome.NOT_APPLIED:
            return "failure"
        case _ if status < HTTPStatus.BAD_REQUEST:
            return "success"
        case _:
            # A bug may have come after the write.
            return "unknown" if strategy and status == HTTPStatus.INTERNAL_SERVER_ERROR else "failure"


def _why(response: Response, spent: Effort) -> dict[str, object]:
    """Return what a request was refused with; of a list, which is not, how many of its items came to nothing."""
    if isinstance(response, Problematic):
        return {"error.type": response.kind}
    outcomes = [result.outcome for result in spent.results if isinstance(result, CounterError)]
    counts = {
        "counters.failed": outcomes.count(Outcome.NOT_APPLIED),
        "counters.unknown": outcomes.count(Outcome.UNKNOWN),
    }
    return {name: count for name, count in counts.items() if count}


def _forget(_error: BaseException | None) -> None:
    # The thread goes on to other requests, and to those that gunicorn refuses without calling the service.
    clear_contextvars()
    deadlines.end()
    effort.end()
