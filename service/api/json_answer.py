"""JSON answers: objects in the order of the contract, and without blanks."""

import json
from collections.abc import Iterable
from typing import Any, Final

from flask import Response
from werkzeug.datastructures import Headers

ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


class JsonAnswer(Response):
    """An answer whose headers are sent as they are: werkzeug would look for locations to complete among them."""

    def get_wsgi_headers(self, _environ: Any) -> Headers:
        """Return all of them."""
        return self.headers


def as_json(content: Any, headers: Iterable[tuple[str, str]] = (), *, status: int = 200) -> Response:
    """Return the answer that has this content."""
    body = f"{ENCODER.encode(content)}\n".encode()
    of_body = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return JsonAnswer([body], status, [*of_body, *headers], direct_passthrough=True)
