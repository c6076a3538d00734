"""Redis ``INCR``, over a connection a thread."""

import os

import redis
from flask import Flask

from benchmarks.routes import application, for_each_thread


def app() -> Flask:
    """Return an application on the Redis that the environment names."""

    @for_each_thread
    def client() -> redis.Redis:
        return redis.Redis.from_url(os.environ["BENCHMARK_STORE"], single_connection_client=True)

    def increment(counter_id: str) -> int:
        return int(client().incr(counter_id))

    return application("redis", increment)
