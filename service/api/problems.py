"""Errors as problem details, RFC 9457. The one place that knows which error is which HTTP status."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from flask import Response
from werkzeug.exceptions import HTTPException, UnprocessableEntity

from service.errors import (
    ConflictsNotResolved,
    CounterError,
    CounterNotFound,
    CounterOverflow,
    IdempotencyKeyExpired,
    IdempotencyKeyReused,
    Outcome,
    OutOfTime,
    PreconditionFailed,
    StorageUnavailable,
)
from service.json_text import encode

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SOON: Final = MappingProxyType({"Retry-After": "1"})


class InvalidHeader(UnprocessableEntity):
    """A header is there and is not what it must be: said like what webargs finds, by field."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__()
        self.data = {"messages": {"headers": {name: [reason]}}}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem: ``kind`` is the last part of its type, ``members`` are its extension members.

    One without a kind says no more than its status does.
    """

    status: int
    kind: str | None
    title: str
    detail: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the problem as its JSON object."""
        return {
            "type": f"/problems/{self.kind}" if self.kind else "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }

    def as_response(self) -> "Problematic":
        """Return the problem as the answer to a request."""
        return Problematic(self)


class Problematic(Response):
    """The answer to a request that ended in a problem, which it names for the log.

    Attributes:
        kind: Of the problem: the last part of its type, which is ``about:blank`` without one.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(
            encode(problem.as_dict()) + b"\n", problem.status, dict(problem.headers), content_type=MEDIA_TYPE
        )
        self.kind = problem.kind or "about:blank"


FRAMEWORK: Final[Mapping[int, Problem]] = MappingProxyType(
    {
        problem.status: problem
        for problem in (
            Problem(400, "bad-request", "The request is malformed", "The request cannot be understood."),
            Problem(401, "unauthorized", "A token is needed", "The service takes a token."),
            Problem(403, "forbidden", "The token does not allow this", "The token does not allow this."),
            Problem(404, "not-found", "There is no such path", "GET /openapi.yaml tells which there are."),
            Problem(405, "method-not-allowed", "The path does not take this method", "See the header Allow."),
            Problem(
                408, "request-timeout", "The request came too slowly", "The request was not there in time."
            ),
            Problem(413, "content-too-large", "The body is too large", "The request body is too large."),
            Problem(
                415,
                "unsupported-media-type",
                "The body is not plain JSON",
                "A request body must be JSON, and be declared as application/json.",
            ),
            Problem(422, "invalid-request", "The request is not valid", "See errors."),
            Problem(
                500,
                "internal-error",
                "The service has failed",
                "This is a bug. The service's log says more, under the X-Request-Id of this answer.",
            ),
        )
    }
)
"""The problems that do not concern a counter, by status. Any other of the web framework's is an ``about:blank``."""


KINDS: Final[Mapping[type[CounterError], Problem]] = MappingProxyType(
    {
        CounterNotFound: Problem(404, "counter-not-found", "There is no such counter"),
        CounterOverflow: Problem(409, "counter-overflow", "The counter would overflow"),
        IdempotencyKeyExpired: Problem(409, "idempotency-key-expired", "The key is too old"),
        IdempotencyKeyReused: Problem(422, "idempotency-key-reused", "The key stands for another request"),
    }
)
"""The problems that have no members of their own, by the error; its text is their detail."""


def of_counter_error(error: CounterError, *, repeatable: bool = False) -> Problem:
    """Return the problem that one of the service's own errors is to a caller.

    Args:
        error: What happened.
        repeatable: Whether the request may be repeated whatever became of it.
    """
    match error:
        case PreconditionFailed():
            versions = {"required_version": error.required, "current_version": error.current}
            return Problem(
                412, "precondition-failed", "The counter has another version", str(error), versions
            )
        case ConflictsNotResolved():
            return Problem(
                409,
                "conflicts-not-resolved",
                "Too many writers at once",
                str(error),
                {"outcome": error.outcome.value},
                RETRY_SOON,
            )
        case OutOfTime() | StorageUnavailable():
            return Problem(
                503,
                "unavailable",
                "The service is unavailable",
                str(error),
                {"outcome": error.outcome.value},
                # To repeat what may have been applied could count twice, so only the other case invites to.
                RETRY_SOON if repeatable or error.outcome is Outcome.NOT_APPLIED else {},
            )
        case _ if type(error) in KINDS:
            return replace(KINDS[type(error)], detail=str(error))
        case _:
            raise error


def of_http_exception(error: HTTPException) -> Problem:
    """Return the problem for an error of the web framework: routing, body, validation, or a bug."""
    status = error.code or 500
    # Werkzeug keeps the Allow of a 405 and the like here, with the content type of its own HTML page.
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    known = FRAMEWORK.get(status) or Problem(status, None, error.name, error.name)
    # What werkzeug says where nobody said more is meant for people with a browser.
    detail = known.detail if error.description == type(error).description else error.description
    return replace(known, detail=detail or known.detail, members=_errors(error), headers=headers)


def _errors(error: HTTPException) -> dict[str, Any]:
    """Return what is wrong by field. Webargs sorts it by where it stood: in the body, the query or the headers."""
    messages = getattr(error, "data", {}).get("messages")
    if messages is None:
        return {}
    return {"errors": {name: wrong for part in messages.values() for name, wrong in part.items()}}
