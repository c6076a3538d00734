"""The race page: a concurrent client in the browser that shows which strategies lose increments.

It is plain HTML, CSS and JavaScript modules in ``service/web``, sends what it does to the service it came from, and
asks nobody else for anything.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, send_from_directory

from service.strategies import Strategy

FOLDER: Final = Path(__file__).parent.parent / "web"

TYPES: Final = MappingProxyType({".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"})
"""What is served of the folder, by how its name ends. What a system's own table says of these endings varies."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
"""What the page may do: run its own files, and speak with where it came from. Nobody may frame it."""

HEADERS: Final = MappingProxyType(
    {
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }
)
"""What the page and its parts are served with; no other site's page gets at any of them."""


def web_blueprint(strategies: Mapping[str, Strategy[Any]], *, token_needed: bool) -> Blueprint:
    """Return the path ``/``, the page, and ``/web/…``, its parts.

    Args:
        strategies: Those that race, by name.
        token_needed: Whether the page asks for a token, since the service does.
    """
    blueprint = Blueprint("web", __name__, template_folder=str(FOLDER))
    shown = [{"name": name, "gist": _gist(strategy)} for name, strategy in strategies.items()]

    @blueprint.get("/")
    def page() -> str:
        return render_template("page.html", token_needed=token_needed, strategies=shown)

    @blueprint.get("/web/<name>")
    def part(name: str) -> Response:
        content_type = TYPES.get(Path(name).suffix)
        if content_type is None:
            abort(404)
        return send_from_directory(FOLDER, name, mimetype=content_type)

    @blueprint.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    return blueprint


def _gist(strategy: Strategy[Any]) -> str:
    """Return what a strategy's module says of it in its first line, without marks of emphasis."""
    story = inspect.getdoc(inspect.getmodule(strategy.increment)) or ""
    return story.partition("\n")[0].replace("*", "")
