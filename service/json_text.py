"""JSON in printable ASCII without blanks: lines of the log, and answers.

Source: https://github.com/ijl/orjson, and RFC 8259, section 7, for what is escaped.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import orjson

OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
"""What orjson leaves to ``default``: of a dataclass it would write fields that its repr keeps secret."""

DEL: Final = b"\x7f"


def encode(content: Any, *, default: Callable[[Any], Any] | None = None) -> bytes:
    """Return content as JSON.

    Args:
        content: Dicts with text or whole numbers for keys, lists, tuples, text, whole numbers of any size, finite
            others, booleans and None.
        default: Returns in place of anything else what can be encoded. It may not be asked for what orjson knows
            besides, as enumerations and UUIDs.

    Raises:
        TypeError: There is something else, and no ``default``.
    """
    try:
        text = orjson.dumps(content, default, OPTIONS)
    except orjson.JSONEncodeError:
        # Python's own takes keys that are numbers, numbers beyond 64 bits and lone surrogates.
        return _escaped(content, default)
    # DEL and beyond it are controls that a terminal obeys, which orjson leaves as they are.
    return text if text.isascii() and DEL not in text else _escaped(orjson.loads(text))


def _escaped(content: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """Do it by Python's own, which escapes all that is not printable ASCII."""
    return json.dumps(content, separators=(",", ":"), default=default).encode()
