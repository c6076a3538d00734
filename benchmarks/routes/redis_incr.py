"""Redis ``INCR``, over a connection a thread."""

import os
import threading

import redis
from flask import Flask

from benchmarks.routes import application


def app() -> Flask:
    """Return an application on the Redis that the environment names."""
    own = threading.local()

    def client() -> redis.Redis:
        if not hasattr(own, "client"):
            url = os.environ["BENCHMARK_STORE"]
            own.client = redis.Redis.from_url(url, single_connection_client=True)
        return own.client  # type: ignore[no-any-return]  # what a thread keeps has no type

    def increment(counter_id: str) -> int:
        return int(client().incr(counter_id))

    return application("redis", increment)
