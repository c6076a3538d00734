"""Bars that show how far a command is: on standard error, and at a terminal alone."""

import sys
from typing import Any

import click


def bar(*args: Any, **options: Any) -> Any:
    """Return a ``click.progressbar``, of the same arguments."""
    return click.progressbar(*args, file=sys.stderr, hidden=not sys.stderr.isatty(), **options)
