"""JSON as the service writes it: ASCII, whatever is in it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

import pytest

from service.json_text import encode

LOCAL: Final = "between-us"


@pytest.mark.parametrize(
    "content",
    [
        {"id": "page-views", "value": 1, "nested": [None, True, -0.5, ""]},
        {"url.path": 'a"\\\b\f\n\r\t\x00\x1b\x7f'},
        {"url.path": "ä\x9b31m\u2028\U0001f600"},
        {"ä": ["ä"]},
        {"lone": "\ud800"},
        {"large": 2**64, "small": -(2**63) - 1},
        {"errors": {0: ["Not a valid string."]}},
    ],
)
def test_it_is_what_the_standard_librarys_would_be(content: Any) -> None:
    """To the byte, without blanks: what is beyond ASCII is escaped, above all what a terminal would obey."""
    assert json.dumps(content, separators=(",", ":")).encode() == encode(content)


@pytest.mark.parametrize("beside", ["", "ä"])
def test_what_json_has_no_type_for_is_left_to_the_caller(beside: str) -> None:
    """The same whatever else there is; of a dataclass nothing is told that its repr keeps secret."""

    @dataclass
    class Secret:
        told: int
        kept: str = field(repr=False)

    odd = [range(3), Secret(1, LOCAL), datetime(2026, 1, 31, tzinfo=UTC)]

    written = encode({"odd": odd, "beside": beside}, default=repr)

    assert {"odd": [*map(repr, odd)], "beside": beside} == json.loads(written)
    assert LOCAL not in written.decode()


@pytest.mark.parametrize("beside", ["", "ä"])
def test_what_orjson_knows_is_the_same_whatever_text_stands_beside_it(beside: str) -> None:
    """A value is no other because of what stands beside it."""

    class Colour(Enum):
        RED = "red"

    known = {"enumeration": Colour.RED, "uuid": UUID(int=1)}

    written = json.loads(encode({**known, "beside": beside}, default=repr))

    assert {"enumeration": "red", "uuid": str(UUID(int=1)), "beside": beside} == written


@pytest.mark.parametrize("beside", ["", "ä"])
def test_without_a_caller_who_knows_better_it_is_an_error(beside: str) -> None:
    """An answer does not tell what an object of Python's looks like."""
    with pytest.raises(TypeError):
        encode({"odd": object(), "beside": beside})
