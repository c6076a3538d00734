"""Gunicorn's parser, whose errors repeat nothing of a request: what it does not understand may be a token."""

from functools import cache
from typing import Any

from gunicorn.http import RequestParser  # type: ignore[import-untyped]  # gunicorn has no type hints
from gunicorn.http.errors import (  # type: ignore[import-untyped]  # gunicorn has no type hints
    NoMoreData,
    ParseException,
)


class DiscreetParser(RequestParser):  # type: ignore[misc]  # gunicorn has no type hints
    """A parser whose errors, which gunicorn logs and answers, say of what kind they are and nothing else."""

    def __next__(self) -> Any:
        """Return the next request.

        Raises:
            NoMoreData, ParseException: Of the kinds that gunicorn's own parser has.
        """
        try:
            return super().__next__()
        except (NoMoreData, ParseException) as error:
            error.__class__ = _discreet(type(error))  # type: ignore[arg-type]  # mypy takes no class for hashable
            raise


@cache
def _discreet(kind: type[Exception]) -> type[Exception]:
    """Return the same kind of error, whose text is its name."""
    return type(kind.__name__, (kind,), {"__str__": lambda _: kind.__name__})
