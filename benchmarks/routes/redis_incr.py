"""Redis ``INCR``, over a connection a thread."""

import os

import redis
from flask import Flask

from benchmarks.routes import application


def app() -> Flask:
    """Return an application on the Redis that the environment names, with a pool of connections."""
    client = redis.Redis.from_url(os.environ["BENCHMARK_STORE"])

    def increment(counter_id: str) -> int:
        return int(client.incr(counter_id))

    return application("redis", increment)
