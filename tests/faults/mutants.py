"""The service, broken on purpose, to prove that the suite would see it. Nothing here is a switch of the product's.

Gunicorn serves them by its own configuration file (`tests/faults/mutated.py`), the name of the mutant in `MUTANT`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final
from unittest.mock import patch

from flask import Flask

from service import create_app
from service.operations import OperationLog
from service.storage.client import connect
from service.storage.writes import Script

RECOGNISES: Final = "if (logged != null) {"
"""Where the script recognises an operation that it has applied before."""


NO_LOG_CHECK: Final = "no log check"


def with_transport_retries() -> Flask:
    """Return the service with the transport's own retries on, as they are unless one switches them off."""
    with patch("service.app.connect", lambda settings: connect(settings).options(max_retries=3)):
        return create_app()


def without_log_check() -> Flask:
    """Return the service that writes the log of operations, and never looks into it."""
    load = Script.load

    def forgetful(**settings: Any) -> Script:
        script = load(**settings)
        assert RECOGNISES in script.source
        return replace(
            script, source=script.source.replace(RECOGNISES, "if (logged != null && logged.isEmpty()) {")
        )

    # For good: the process serves nothing else.
    patch.object(OperationLog, "find", lambda _log, _operation: None).start()
    with patch.object(Script, "load", forgetful):
        return create_app()


MUTANTS: Final[Mapping[str, Callable[[], Flask]]] = MappingProxyType(
    {"max_retries=3": with_transport_retries, NO_LOG_CHECK: without_log_check}
)


def environment_of(name: str) -> dict[str, str]:
    """Return the settings that make gunicorn serve a mutant."""
    return {"MUTANT": name, "GUNICORN_CMD_ARGS": "--config python:tests.faults.mutated"}


def serve(name: str) -> Flask:
    """Return a mutant by its name, as a WSGI application."""
    return MUTANTS[name]()
