"""What the service is compared with: one Flask route each, behind the service's gunicorn settings and with its answer.

A module has a factory ``app()`` for gunicorn, and reads where its store is from ``BENCHMARK_STORE``, a URL.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from flask import Flask, Response, jsonify
from flask.json.provider import DefaultJSONProvider

__all__ = ["application", "for_each_thread"]

T = TypeVar("T")


class InOrder(DefaultJSONProvider):
    """Writes JSON objects as the service does: in the order of the contract, and without blanks."""

    sort_keys = False
    compact = True


def application(name: str, increment: Callable[[str], int]) -> Flask:
    """Return an application that answers ``POST /{name}/{counter_id}`` with what the service would.

    Args:
        name: What the route and, in the answer, the strategy is called.
        increment: Adds 1 to the counter of this id, creating it if need be, and returns its value after that.
    """
    app = Flask(__name__, static_folder=None)
    app.json = InOrder(app)

    @app.post(f"/{name}/<counter_id>")
    def post(counter_id: str) -> Response:
        value = increment(counter_id)
        return jsonify(id=counter_id, value=value, by=1, strategy=name, attempts=1, conflicts=0)

    @app.get("/readyz")
    def is_ready() -> Response:
        return Response()

    return app


def for_each_thread(make: Callable[[], T]) -> Callable[[], T]:
    """Return what gives each thread, whenever it asks, the one that was made for it when it first did."""

    class Own(threading.local):
        made: T | None = None

    own = Own()

    def of_this_thread() -> T:
        if own.made is None:
            own.made = make()
        return own.made

    return of_this_thread
