"""What can go wrong, as a sentence that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class BenchmarkError(Exception):
    """Something cannot be measured; the message is for the person at the keyboard."""


@contextmanager
def understanding(file: Path, what: str) -> Iterator[None]:
    """Name a file in the error when it cannot be read, or holds something else.

    Args:
        file: The one that is read within.
        what: Whose figures it should hold, as ``"a run"``.

    Raises:
        BenchmarkError: That is so.
    """
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise BenchmarkError(f"{file} does not hold the figures of {what}: {error!r}") from error
