"""JSON as the service writes it, in answers and in its log: printable ASCII without blanks.

Source: https://github.com/ijl/orjson, and RFC 8259, section 7, for what is escaped.
"""

import json
from typing import Any, Final

import orjson

ENCODER: Final = json.JSONEncoder(separators=(",", ":"), default=repr)
"""Python's own: it escapes all that is not ASCII, and knows numbers of any size and text that is no Unicode."""

DEL: Final = b"\x7f"


def encode(content: Any) -> bytes:
    """Return content as JSON; what is none of JSON's types, as Python shows it.

    Args:
        content: Whatever a mapping, sequence or scalar may hold, of any size.
    """
    try:
        text = orjson.dumps(content, default=repr)
    except orjson.JSONEncodeError:
        return _slowly(content)
    # DEL and beyond it are controls that a terminal obeys, which orjson leaves as they are.
    return text if text.isascii() and DEL not in text else _slowly(content)


def _slowly(content: Any) -> bytes:
    return ENCODER.encode(content).encode()
