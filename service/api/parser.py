"""How the arguments of a view are taken from a request: strictly, for a service that counts must not guess."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import unwrap
from types import MappingProxyType
from typing import Any, Final

from flask import Request
from flask_smorest import abort
from marshmallow import Schema, ValidationError

from service.api.asked import at_hand
from service.api.json_body import read_json


def read_query(request: Request) -> dict[str, str]:
    """Return the query, in which nothing may stand twice."""
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        abort(422, messages={"query": {name: ["Must not stand twice."] for name in twice}})
    return request.args.to_dict()


LOCATIONS: Final[Mapping[str, Callable[[Request], Any]]] = MappingProxyType(
    {"json": read_json, "query": read_query}
)
"""Where arguments are, and how they are read from there."""


class StrictParser:
    """What flask-smorest parses arguments with, in place of webargs.

    Webargs resolves in silence what is refused here, as of two equal keys the last, and takes longer to find out what
    it has been asked for than to do it.
    """

    DEFAULT_VALIDATION_STATUS = 422

    def use_args(
        self, schema: Schema, *, location: str
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Have a view called with what the schema makes of what is at ``location``, in front of its other arguments."""
        read = LOCATIONS[location]
        defaults = None if schema.validate({}) else schema.load({})

        def decorator(view: Callable[..., Any]) -> Callable[..., Any]:
            # In between are flask-smorest's own decorators, each of which only bears a part of the documentation.
            plain_view = unwrap(view)

            @wraps(view)
            def parse_and_view(**of_path: Any) -> Any:
                sent = read(at_hand())
                if sent == {} and defaults is not None:
                    return plain_view(defaults.copy(), **of_path)
                try:
                    arguments = schema.load(sent)
                except ValidationError as error:
                    abort(422, messages={location: error.messages})
                return plain_view(arguments, **of_path)

            return parse_and_view

        return decorator
