"""No storage at all: what the web stack alone is capable of."""

from flask import Flask

from benchmarks.routes import application


def app() -> Flask:
    """Return an application that counts nothing."""
    return application("bare", lambda _counter_id: 1)


def as_tasks() -> Flask:
    """Return the same on the path of the strategy whose requests no thread serves, but the worker's main thread."""
    return application("batched", lambda _counter_id: 1)
