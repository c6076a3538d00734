"""JSON answers: objects in the order of the contract, and without blanks."""

from collections.abc import Iterable
from typing import Any

from flask import Response
from werkzeug.datastructures import Headers

from service.json_text import encode


class JsonAnswer(Response):
    """An answer whose headers are sent as they are: werkzeug would look for locations to complete among them."""

    def get_wsgi_headers(self, _environ: Any) -> Headers:
        """Return all of them."""
        return self.headers


def as_json(content: Any, headers: Iterable[tuple[str, str]] = (), *, status: int = 200) -> Response:
    """Return the answer that has this content."""
    body = encode(content) + b"\n"
    of_body = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return JsonAnswer([body], status, [*of_body, *headers], direct_passthrough=True)
