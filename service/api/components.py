"""What operations share in openapi.yaml: parameters, headers, links, and how a success is described."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from marshmallow import Schema

from service.api.requests import SECONDS
from service.api.schemas import ID_SCHEMA, UUID7

COUNTER_ID: Final = {
    "in": "path",
    "name": "counter_id",
    "required": True,
    "description": "Which counter; it need not exist to be incremented or set.",
    "schema": ID_SCHEMA,
}

ENTITY_TAGS: Final = {
    "type": "string",
    "oneOf": [{"const": "*"}, {"pattern": r'^(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*$'}],
}
"""Without an example, which /docs would send along with every request that is tried there."""

PARAMETERS: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        "If-Match": {
            "in": "header",
            "name": "If-Match",
            "description": 'Entity tags such as `"1-0"`, one of which the counter must have; or `*`: it must exist.',
            "schema": ENTITY_TAGS,
        },
        "If-None-Match": {
            "in": "header",
            "name": "If-None-Match",
            "description": "`*`: the counter must not exist yet.",
            "schema": {"type": "string", "const": "*"},
        },
        "Idempotency-Key": {
            "in": "header",
            "name": "Idempotency-Key",
            "description": "A UUIDv7 made for this increment, quoted or bare: repeated with it, it counts once.",
            # Without a reference back to the first quote, which many tools' expressions have not.
            "schema": {"type": "string", "oneOf": [{"pattern": f"^{UUID7}$"}, {"pattern": f'^"{UUID7}"$'}]},
        },
        "If-None-Match-to-read": {
            "in": "header",
            "name": "If-None-Match",
            "description": "Entity tags of what the reader has already; or `*`: anything.",
            "schema": ENTITY_TAGS,
        },
        "X-Request-Timeout": {
            "in": "header",
            "name": "X-Request-Timeout",
            "description": "Seconds that the caller waits at most; it only shortens the service's own limit.",
            "schema": {"type": "string", "pattern": f"^({SECONDS.pattern})$"},
        },
    }
)
"""Headers of requests, by their names among the components."""

ENTITY_TAG: Final = {"type": "string", "pattern": '^"[0-9]+-[0-9]+"$', "example": '"1-0"'}

AT_TIMES: Final = "-at-times"
"""Ends the name among the components of a header that is not always there."""

HEADERS: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        "X-Request-Id": {
            "description": "The request's id in the service's log: the caller's own, if it sent a usable one.",
            "required": True,
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:/+=-]{1,128}$"},
        },
        "ETag": {
            "description": "The counter's version, as a strong entity tag.",
            "required": True,
            "schema": ENTITY_TAG,
        },
        f"ETag{AT_TIMES}": {
            "description": "The counter's version, as a strong entity tag; left out where this value is not that of the"
            " version: in the answer to a repetition, and where the write has added what others asked for as well.",
            "schema": ENTITY_TAG,
        },
        "Content-Location": {
            "description": "Where the counter is read.",
            "required": True,
            "schema": {"type": "string", "format": "uri-reference", "example": "/counters/page-views"},
        },
        "Retry-After": {
            "description": "Seconds to wait; only where a repeat is safe: nothing was applied, or it bore a key.",
            "schema": {"type": "integer", "minimum": 1},
        },
        "Idempotency-Window": {
            "description": "How long keys are remembered: the last so many operations a counter, and so many seconds."
            " An older key is refused. On answers to requests with a key.",
            "schema": {
                "type": "string",
                "pattern": "^operations=[0-9]+, seconds=[0-9]+$",
                "example": "operations=1000, seconds=86400",
            },
        },
        "Idempotency-Replayed": {
            "description": "It was applied by an earlier request or attempt with this key; in a list, an item was.",
            "schema": {"type": "string", "const": "true"},
        },
        "WWW-Authenticate": {
            "description": "What would be let in, and what is wrong with what came (RFC 6750).",
            "required": True,
            "schema": {"type": "string", "example": 'Bearer realm="counters"'},
        },
        "Allow": {
            "description": "The methods that the path takes; on status 405.",
            "schema": {"type": "string"},
        },
    }
)

THE_SAME_COUNTER: Final = {"counter_id": "$response.body#/id"}
UNCHANGED: Final = {**THE_SAME_COUNTER, "header.If-Match": "$response.header.ETag"}

LINKS: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        "Read": {"operationId": "read_counter", "parameters": THE_SAME_COUNTER},
        "Set": {"operationId": "set_counter", "parameters": THE_SAME_COUNTER},
        "Delete": {"operationId": "delete_counter", "parameters": THE_SAME_COUNTER},
        "IncrementIfUnchanged": {
            "description": "Add to the counter unless somebody else has changed it since.",
            "operationId": "increment_occ",
            "parameters": UNCHANGED,
        },
        "SetIfUnchanged": {
            "description": "Set the counter unless somebody else has changed it since.",
            "operationId": "set_counter",
            "parameters": UNCHANGED,
        },
    }
)


def answer(
    description: str,
    schema: type[Schema] | None = None,
    *,
    headers: Iterable[str] = (),
    links: Iterable[str] = (),
) -> dict[str, Any]:
    """Describe a success. ``headers`` and ``links`` are names from `HEADERS` and `LINKS`."""
    described: dict[str, Any] = {
        "description": description,
        "headers": {name.removesuffix(AT_TIMES): name for name in ("X-Request-Id", *headers)},
    }
    if schema:
        described["content"] = {"application/json": {"schema": schema}}
    if links:
        described["links"] = {name: name for name in links}
    return described
