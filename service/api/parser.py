"""How the arguments of a view are taken from a request: strictly, for a service that counts must not guess."""

from typing import Any

from flask import Request
from flask_smorest import abort
from webargs.flaskparser import FlaskParser

from service.api.json_body import read_json


class StrictParser(FlaskParser):
    """The webargs parser that refuses what usual ones resolve in silence, as of two equal keys the last."""

    # What is unknown is up to the schemas, in the query too.
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}  # noqa: RUF012 - webargs declares it so

    def load_json(self, req: Request, schema: Any) -> Any:  # noqa: ARG002 - webargs' own signature
        """Return the body, or ``missing`` if it is empty."""
        return read_json(req)

    def load_querystring(self, req: Request, schema: Any) -> Any:  # noqa: ARG002 - likewise
        """Return the query, in which nothing may stand twice."""
        twice = [name for name, values in req.args.lists() if len(values) > 1]
        if twice:
            abort(422, messages={"query": {name: ["Must not stand twice."] for name in twice}})
        return req.args.to_dict()
