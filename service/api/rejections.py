"""The problems that operations answer with, as openapi.yaml describes them."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from service.api.components import answer
from service.api.problems import FRAMEWORK, MEDIA_TYPE, Problem, of_counter_error
from service.api.schemas import ProblemSchema
from service.errors import (
    ConflictsNotResolved,
    CounterNotFound,
    CounterOverflow,
    IdempotencyKeyExpired,
    IdempotencyKeyReused,
    Outcome,
    PreconditionFailed,
    StorageUnavailable,
)

REJECTIONS: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        400: ("Malformed", "The request is malformed, or the id is none."),
        401: ("Unauthorized", "The service has been told tokens, and none of them came with the request."),
        403: (
            "Forbidden",
            "The token lacks the scope, or is confined to other ids. A list is refused as a whole.",
        ),
        404: ("NotFound", "There is no such counter; or no such path, as with an id that holds a slash."),
        408: ("TooSlow", "The request was not there as a whole in time."),
        409: (
            "Conflict",
            "An overflow, or a key too old: this request changed nothing. Or too many writers at once: see `outcome`.",
        ),
        412: (
            "PreconditionFailed",
            "The counter is not at the version that the request demands. Nothing was changed.",
        ),
        413: ("TooLarge", "The body is too large."),
        415: (
            "NotJson",
            "The body is not declared as plain JSON: `application/json`, in UTF-8, not compressed.",
        ),
        422: (
            "Invalid",
            "The body, a header or the query is not what `errors` demands, or the key stands for another request.",
        ),
        503: (
            "Unavailable",
            "It was not acknowledged, or there was no time; `outcome` says whether a write may have been applied.",
        ),
    }
)
"""The problems an operation can answer with: what each is called among the components, and what it says."""

OTHER: Final = "Other"
"""What the problems are called that any path can answer with."""

SOME: Final = "page-views"
EXAMPLES: Final[Mapping[str, Problem]] = MappingProxyType(
    {
        **{str(problem.kind): problem for problem in FRAMEWORK.values()},
        "invalid-request": replace(FRAMEWORK[422], members={"errors": {"by": ["Not a valid integer."]}}),
        "counter-not-found": of_counter_error(CounterNotFound(SOME)),
        "counter-overflow": of_counter_error(CounterOverflow(SOME)),
        "conflicts-not-resolved": of_counter_error(ConflictsNotResolved(SOME, 100)),
        "idempotency-key-expired": of_counter_error(IdempotencyKeyExpired()),
        "idempotency-key-reused": of_counter_error(IdempotencyKeyReused()),
        "precondition-failed": of_counter_error(PreconditionFailed(SOME, required="1-0", current="1-7")),
        "not-applied": of_counter_error(StorageUnavailable("Elasticsearch cannot be reached.")),
        "unknown": of_counter_error(StorageUnavailable("Elasticsearch did not answer.", Outcome.UNKNOWN)),
    }
)
"""Every kind of problem there is, as the service itself words it."""


def problem(status: int | None, description: str) -> dict[str, Any]:
    """Describe the problems of a status, with an example of each; without one, any problem."""
    own = {
        401: ["WWW-Authenticate"],
        403: ["WWW-Authenticate"],
        409: ["Retry-After", "Idempotency-Window"],
        422: ["Idempotency-Window"],
        503: ["Retry-After"],
        None: ["Allow"],
    }
    content: dict[str, Any] = {"schema": ProblemSchema}
    examples = {
        name: {"value": example.as_dict()} for name, example in EXAMPLES.items() if example.status == status
    }
    if examples:
        content["examples"] = examples
    return {**answer(description, headers=own.get(status, [])), "content": {MEDIA_TYPE: content}}
