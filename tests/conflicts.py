"""Version conflicts, made up in Elasticsearch's place."""

from collections.abc import Callable
from typing import Final

from tests.proxy import Exchange

FOR_EVER: Final = 1_000_000


def stale(times: int) -> Callable[[Exchange], None]:
    """Return what has Elasticsearch refuse the first writes as stale."""
    left = iter(range(times))

    def handle(exchange: Exchange) -> None:
        if exchange.is_write and next(left, None) is not None:
            error = {"type": "version_conflict_engine_exception"}
            body = {"error": error, "status": 409}
            if "_bulk" in exchange.path:
                item = {"_index": "i", "_id": "a", **body}
                exchange.answer(200, {"errors": True, "items": [{"update": item}]})
            else:
                exchange.answer(409, body)
        else:
            exchange.forward()

    return handle
