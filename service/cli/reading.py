"""Files of counters, looked at as a whole before the first of them is used."""

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Final

from service.cli.lines import parse_end, parse_line
from service.counters import Counter

LONGEST: Final = 2 * 1024 * 1024
"""Bytes of a line: more than the longest id with as many operations as a counter may remember."""


def rewindable(file: IO[bytes]) -> IO[bytes]:
    """Return a file that can be read twice: itself, or a copy of what comes through a pipe."""
    if file.seekable():
        return file
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it, or the process's end does
    shutil.copyfileobj(file, copy)
    copy.seek(0)
    return copy


def numbered(file: IO[bytes], *, endless: bool = True) -> Iterator[tuple[int, Counter]]:
    """Yield each counter in a file with the number of its line, from 1.

    Args:
        file: Where they are.
        endless: Whether what says how many there are is not looked at, be it there, amid the others, or not.

    Raises:
        ValueError: A line is malformed, and the message names it; or the file is not whole.
    """
    for number, line in enumerate(iter(partial(file.readline, LONGEST + 1), b""), start=1):
        if len(line) > LONGEST:
            raise ValueError(f"Line {number}. It is longer than {LONGEST} bytes.")
        counters = parse_end(line)
        if counters is not None:
            if not endless:
                _end(file, number, counters)
                return
            continue
        try:
            counter = parse_line(line)
        except ValueError as error:
            cut = "" if line.endswith(b"\n") else " It is the last line, and may have been cut off."
            raise ValueError(f"Line {number}. {error}{cut}") from error
        yield number, counter
    if not endless:
        raise ValueError(
            'The last line is not {"counters": …}, as in every export: a part of it is missing, or it is none.'
            " --endless takes what is there for all there is."
        )


def _end(file: IO[bytes], number: int, counters: int) -> None:
    if counters != number - 1:
        raise ValueError(f"Line {number}. It ends {counters} counters, and there are {number - 1} before it.")
    if file.read(1):
        raise ValueError(f"Line {number}. The file goes on behind its end.")


def checked(file: IO[bytes], *, endless: bool) -> Iterator[int]:
    """Go through a file, and yield how many bytes each counter's line has; ``endless`` as for `numbered`.

    Raises:
        ValueError: As `numbered`, or a counter stands twice; the message names the line.
    """
    lines: dict[str, int] = {}
    position = file.tell()
    for number, counter in numbered(file, endless=endless):
        first = lines.setdefault(counter.id, number)
        if first != number:
            raise ValueError(f"Line {number}. The counter {counter.id} stands in line {first} already.")
        before, position = position, file.tell()
        yield position - before
