"""Errors as problem details, RFC 9457. The one place that knows which error is which HTTP status."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from flask import Response
from werkzeug.exceptions import HTTPException

from service.errors import (
    ConflictsNotResolved,
    CounterError,
    CounterNotFound,
    CounterOverflow,
    Outcome,
    PreconditionFailed,
    StorageUnavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SOON: Final = MappingProxyType({"Retry-After": "1"})


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem: ``kind`` is the last part of its type, ``members`` are its extension members."""

    status: int
    kind: str
    title: str
    detail: str
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the problem as its JSON object."""
        return {
            "type": f"/problems/{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }

    def as_response(self) -> Response:
        """Return the problem as the answer to a request."""
        return Response(json.dumps(self.as_dict()), self.status, dict(self.headers), content_type=MEDIA_TYPE)


def of_counter_error(error: CounterError) -> Problem:
    """Return the problem that one of the service's own errors is to a caller."""
    match error:
        case CounterNotFound():
            return Problem(404, "counter-not-found", "There is no such counter", str(error))
        case CounterOverflow():
            return Problem(409, "counter-overflow", "The counter would overflow", str(error))
        case ConflictsNotResolved():
            return Problem(
                409, "conflicts-not-resolved", "Too many writers at once", str(error), headers=RETRY_SOON
            )
        case PreconditionFailed():
            versions = {"required_version": error.required, "current_version": error.current}
            return Problem(
                412, "precondition-failed", "The counter has another version", str(error), versions
            )
        case StorageUnavailable():
            return Problem(
                503,
                "storage-unavailable",
                "Elasticsearch is unavailable",
                str(error),
                {"outcome": error.outcome.value},
                # To repeat what may have been applied could count twice, so only the other case invites to.
                RETRY_SOON if error.outcome is Outcome.NOT_APPLIED else {},
            )
        case _:
            raise error


def of_http_exception(error: HTTPException) -> Problem:
    """Return the problem for an error of the web framework: routing, body, validation, or a bug."""
    status = error.code or 500
    # Werkzeug keeps the Allow of a 405 and the like here, with the content type of its own HTML page.
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    if status in (413, 415):
        # The body has not been read; what is left of it must not be taken for the next request.
        headers["Connection"] = "close"
    kind = error.name.lower().replace(" ", "-")
    detail = error.description or error.name
    invalid = getattr(error, "data", None)
    if invalid is not None:
        # Webargs sorts what is wrong by where it stood: in the body, the query or the headers.
        errors = {name: value for part in invalid["messages"].values() for name, value in part.items()}
        return Problem(
            status, "invalid-request", "The request is not valid", "See errors.", {"errors": errors}
        )
    return Problem(status, kind, error.name, detail, headers=headers)
