"""JSON as the service writes it: ASCII, whatever is in it, and never an error."""

import json
from typing import Any

import pytest

from service.json_text import encode


@pytest.mark.parametrize(
    "content",
    [
        {"id": "page-views", "value": 1, "nested": [None, True, -0.5, ""]},
        {"url.path": 'a"\\\b\f\n\r\t\x00\x1b\x7f'},
        {"url.path": "ä\x9b31m\u2028\U0001f600"},
        {"ä": ["ä"]},
        {"lone": "\ud800"},
        {"large": 2**64, "small": -(2**63) - 1},
    ],
)
def test_it_is_what_the_standard_librarys_would_be(content: Any) -> None:
    """To the byte, without blanks: what is beyond ASCII is escaped, above all what a terminal would obey."""
    assert json.dumps(content, separators=(",", ":")).encode() == encode(content)


@pytest.mark.parametrize("beside", ["", "ä"])
def test_what_is_none_of_its_types_is_shown_as_python_does(beside: str) -> None:
    """A line of the log is written whatever somebody puts into it."""
    odd = range(3)

    assert {"odd": "range(0, 3)", "beside": beside} == json.loads(encode({"odd": odd, "beside": beside}))
