"""A counter as a line of JSON, the form that counters are kept in outside Elasticsearch.

    {"id":"page-views","value":5}
    {"id":"clicks","value":7,"operations":{"floor":"","entries":{"0190163d8694739baea5966c26f8ad91":[7,"Zm9vYmFyLg8"]}}}
    {"id":"gone","deleted":true,"operations":{"floor":"","entries":{…}}}
    {"counters":3}

What a counter remembers of operations goes along, and so does what a deleted one does: without it, a repetition of an
increment that is in the value already would count again. The last line says how many there are before it: what has
none was cut off on its way.
"""

import json
import re
from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any, Final

from service.api.json_body import parse_strictly
from service.counters import (
    COUNTER_ID,
    EMPTY_LOG,
    MAX_VALUE,
    MIN_VALUE,
    Counter,
    is_counter_id,
    is_counter_value,
)
from service.operations import OperationLog
from service.settings import MAX_LOG_SIZE

KEY: Final = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}(-[0-9]{3})?")
"""A UUIDv7 without its hyphens; behind it the number of an item in a list."""

FINGERPRINT: Final = re.compile(r"[A-Za-z0-9_-]{11}")
"""64 bits in Base64."""

END: Final = re.compile(rb'\s*\{\s*"counters"\s*:\s*([0-9]{1,15})\s*\}\s*')
"""The last line."""

FIELDS: Final = (
    frozenset({"id", "value"}),
    frozenset({"id", "value", "operations"}),
    frozenset({"id", "deleted", "operations"}),
)
"""What a line has: one of these, no less and no more."""


def as_line(counter: Counter) -> str:
    """Return a counter, or what a deleted one remembers, as a line without its end."""
    state: dict[str, Any] = {"id": counter.id}
    state |= {"value": counter.value} if counter.exists else {"deleted": True}
    if not counter.log.is_empty:
        # Sorted, so that equal counters make equal lines.
        state["operations"] = {
            "floor": counter.log.floor,
            "entries": dict(sorted(counter.log.entries.items())),
        }
    return json.dumps(state, separators=(",", ":"))


def end_line(counters: int) -> str:
    """Return the line that ends so many counters, without its own end."""
    return json.dumps({"counters": counters}, separators=(",", ":"))


def parse_end(line: bytes) -> int | None:
    """Return how many counters a line says that it ends; None if it does not say so."""
    match = END.fullmatch(line)
    return int(match[1]) if match else None


def parse_line(line: bytes) -> Counter:
    """Return the counter that a line holds. It has no revision.

    Raises:
        ValueError: It is not strict JSON in UTF-8 (a key twice, or NaN, is refused), or not a counter that the
            service could have written: the message says what is wrong.
    """
    try:
        state = parse_strictly(line)
    except UnicodeError as error:
        raise ValueError("It is not text in UTF-8.") from error
    except JSONDecodeError as error:
        raise ValueError(f"It is not acceptable JSON: {error.msg} at character {error.pos + 1}.") from error
    except ValueError as error:
        raise ValueError(f"It is not acceptable JSON: {error}") from error
    if not isinstance(state, dict) or frozenset(state) not in FIELDS:
        raise ValueError(
            "It takes an object of id and value, and operations if any; or of id, deleted and operations."
        )
    counter_id, value = state["id"], state.get("value", 0)
    if not isinstance(counter_id, str) or not is_counter_id(counter_id):
        raise ValueError(f"Its id must be text that matches ^{COUNTER_ID.pattern}$.")
    if not _is_value(value):
        raise ValueError(f"Its value must be an integer from {MIN_VALUE} to {MAX_VALUE}.")
    if state.get("deleted", True) is not True:
        raise ValueError("Its deleted must be true, or left out.")
    log = _log(state["operations"]) if "operations" in state else EMPTY_LOG
    return Counter(counter_id, value, None, log, exists="value" in state)


def _log(operations: Any) -> OperationLog:
    match operations:
        case {"floor": str(floor), "entries": Mapping() as entries, **others} if not others:
            pass
        case _:
            raise ValueError(
                "Its operations must have a floor, which is text, and entries, which are an object."
            )
    if floor and not KEY.fullmatch(floor):
        raise ValueError("The floor of its operations must be empty or a key.")
    if not floor and not entries:
        raise ValueError("Its operations are empty: leave them out.")
    if len(entries) > MAX_LOG_SIZE:
        raise ValueError(f"It remembers more than {MAX_LOG_SIZE} operations.")
    return OperationLog(floor, {key: _entry(key, entry, floor) for key, entry in entries.items()})


def _entry(key: str, entry: Any, floor: str) -> tuple[int, str]:
    if not KEY.fullmatch(key):
        raise ValueError("A key of its operations is not a UUIDv7 of 32 hexadecimal digits in lower case.")
    if key <= floor:
        raise ValueError("A key of its operations is not younger than their floor.")
    match entry:
        case [value, str(fingerprint)] if _is_value(value) and FINGERPRINT.fullmatch(fingerprint):
            return value, fingerprint
        case _:
            raise ValueError("An operation must be a 64-bit integer and a fingerprint of 11 characters.")


def _is_value(value: Any) -> bool:
    return type(value) is int and is_counter_value(value)
