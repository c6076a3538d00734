"""Writes counters that come from a file, and can tell at any time what has become of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.counters import Counter, Revision
from service.errors import CounterError, Outcome, VersionConflict
from service.storage.protocol import CounterRepository

Line = tuple[int, Counter]
"""A counter, and the number of its line."""


class IfExists(StrEnum):
    """What is done about a counter that is there already, or was deleted and still remembers operations."""

    FAIL = "fail"
    SKIP = "skip"
    OVERWRITE = "overwrite"


class Stopped(Exception):
    """A line could not be written, and none after its batch was tried; the message names it and says why."""


@dataclass(slots=True)
class Tally:
    """What has become of ``total`` counters so far."""

    total: int
    written: int = 0
    skipped: int = 0
    unknown: int = 0
    """Perhaps written: they are under way, or Elasticsearch did not say what became of them."""

    def __str__(self) -> str:
        left = self.total - self.written - self.skipped - self.unknown
        return (
            f"Counters in the file: {self.total}; {self.written} written, {self.skipped} skipped,"
            f" {self.unknown} of unknown outcome, {left} not written."
        )


def find_existing(repository: CounterRepository, lines: Sequence[Line]) -> list[tuple[int, str]]:
    """Return the lines whose counter Elasticsearch has a document of, by number and id.

    Raises:
        CounterError: Elasticsearch did not say so.
    """
    there = []
    for (number, counter), found in zip(
        lines, repository.read_each([each.id for _, each in lines]), strict=True
    ):
        if isinstance(found, CounterError):
            raise found
        if found.revision is not None:
            there.append((number, counter.id))
    return there


def write(repository: CounterRepository, lines: Sequence[Line], if_exists: IfExists, tally: Tally) -> None:
    """Write a batch of counters in one call, and keep the tally.

    Raises:
        Stopped: Not all of them are written, or skipped as ``if_exists`` has it.
    """
    put = repository.overwrite_each if if_exists is IfExists.OVERWRITE else repository.compare_and_set_each
    tally.unknown += len(lines)
    stopped = None
    for (number, counter), outcome in zip(lines, put([counter for _, counter in lines]), strict=True):
        match outcome:
            case Revision():
                tally.written += 1
            case VersionConflict() if if_exists is IfExists.SKIP:
                tally.skipped += 1
            case CounterError(outcome=Outcome.UNKNOWN):
                stopped = stopped or f"Line {number}. {outcome}"
                continue
            case VersionConflict():
                stopped = stopped or f"Line {number}. The counter {counter.id} has been made meanwhile."
            case _:
                stopped = stopped or f"Line {number}. {outcome}"
        tally.unknown -= 1
    if stopped:
        raise Stopped(stopped)
