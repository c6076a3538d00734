"""No storage at all: what the web stack alone is capable of."""

from flask import Flask

from benchmarks.routes import application


def app() -> Flask:
    """Return an application that counts nothing."""
    return application("bare", lambda _counter_id: 1)
