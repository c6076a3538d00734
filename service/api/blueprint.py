"""What the views' entries in openapi.yaml have in common."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import request
from flask_smorest import Blueprint, abort

from service.api.json_body import StrictJsonParser
from service.api.problems import MEDIA_TYPE
from service.api.schemas import ProblemSchema

View = TypeVar("View", bound=Callable[..., Any])

TAG: Final = {"description": "The counter's version.", "schema": {"type": "string", "example": '"1-0"'}}
LOCATION: Final = {
    "description": "Where the counter is.",
    "schema": {"type": "string", "format": "uri-reference"},
}

IF_MATCH: Final = {
    "in": "header",
    "name": "If-Match",
    "description": 'Entity tags, one of which the counter must have, such as `"1-0"`; or `*`: it must exist.',
    "schema": {"type": "string"},
}
IF_NONE_MATCH: Final = {
    "in": "header",
    "name": "If-None-Match",
    "description": "For a read, entity tags that the reader has already; for a write, `*`: it must not exist.",
    "schema": {"type": "string"},
}

REJECTIONS: Final = {
    400: "The request is malformed, or the id is none.",
    404: "There is no such counter.",
    409: "Too many writers at once, or the counter would overflow; nothing was changed.",
    412: "The counter is not at the version that the request demands; nothing was changed.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "The body, a header or the query is not what is described here; `errors` says where.",
    503: "Elasticsearch is unavailable; `outcome` says whether a write may have been applied.",
}


class ApiBlueprint(Blueprint):  # type: ignore[misc]  # flask-smorest has no type hints
    """A blueprint whose JSON bodies are parsed strictly and whose problems are described."""

    ARGUMENTS_PARSER = StrictJsonParser()

    def rejects(self, *statuses: int) -> Callable[[View], View]:
        """Describe the problems that a view can answer with."""

        def decorate(view: View) -> View:
            for status in statuses:
                view = self.alt_response(
                    status, schema=ProblemSchema, content_type=MEDIA_TYPE, description=REJECTIONS[status]
                )(view)
            return view

        return decorate


def refuse_query() -> None:
    """Refuse a query where none is read: ``POST /occ/x?by=5`` would silently count 1."""
    if request.args:
        abort(422, messages={"query": {name: ["Unknown field."] for name in request.args}})
