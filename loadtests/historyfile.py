"""Histories as JSON Lines, so that what a run recorded can be looked at and checked again.

For each counter there is a line about it, and then a line for each of its increments::

    {"strategy": "occ", "counter": "load-1-occ", "initial": 0, "final": 250, "missing": 0}
    {"outcome": "acknowledged", "by": 1, "start": 81, "end": 95, "value": 1, "clock": "5e0a71c4"}
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from loadtests.operations import History, Operation
from loadtests.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A counter's history, and whose it is."""

    strategy: str
    counter: str
    history: History


class HistoryFormatError(Exception):
    """Something isn't a file of histories; the message says what, and in which line."""


def lines(entries: Iterable[Entry]) -> Iterator[str]:
    """Write histories, line by line, each with its line feed."""
    for entry in entries:
        history = entry.history
        head = {
            "strategy": entry.strategy,
            "counter": entry.counter,
            "initial": history.initial,
            "final": history.final,
            "missing": history.missing,
        }
        yield json.dumps(head) + "\n"
        for operation in history.operations:
            yield json.dumps(as_fields(operation)) + "\n"


def as_fields(operation: Operation) -> dict[str, Any]:
    """An increment as a line's fields; without a value unless it was acknowledged."""
    acknowledged = operation.outcome is Outcome.ACKNOWLEDGED
    return {
        "outcome": operation.outcome.value,
        "by": operation.by,
        "start": operation.start,
        "end": operation.end,
        "value": operation.value if acknowledged else None,
        "clock": operation.clock,
    }


def read(text: Iterable[str]) -> list[Entry]:
    """Read histories back.

    Args:
        text: a file's lines.

    Raises:
        HistoryFormatError: if a line isn't one of the two kinds, or there is none.
    """
    counters: list[tuple[Entry, list[Operation]]] = []
    for number, line in enumerate(text, start=1):
        try:
            fields = json.loads(line)
            if "strategy" in fields:
                counters.append((_entry(fields), []))
            else:
                counters[-1][1].append(_operation(fields))
        except IndexError:
            raise HistoryFormatError("line 1 is not about a counter") from None
        except (ValueError, TypeError, KeyError) as error:
            raise HistoryFormatError(f"line {number}: {type(error).__name__}: {error}") from error
    if not counters:
        raise HistoryFormatError("there is no history in it")
    return [
        replace(entry, history=replace(entry.history, operations=operations))
        for entry, operations in counters
    ]


def _entry(fields: Mapping[str, Any]) -> Entry:
    history = History(
        operations=(),
        initial=_whole(fields["initial"]),
        final=None if fields["final"] is None else _whole(fields["final"]),
        missing=_whole(fields["missing"]),
    )
    return Entry(strategy=str(fields["strategy"]), counter=str(fields["counter"]), history=history)


def _operation(fields: Mapping[str, Any]) -> Operation:
    outcome = Outcome(fields["outcome"])
    return Operation(
        outcome=outcome,
        by=_whole(fields["by"]),
        start=_whole(fields["start"]),
        end=_whole(fields["end"]),
        value=_whole(fields["value"]) if outcome is Outcome.ACKNOWLEDGED else 0,
        clock=str(fields["clock"]),
    )


def _whole(number: Any) -> int:
    if type(number) is not int:
        raise TypeError(f"{number!r} is no whole number")
    return number
