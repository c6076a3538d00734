"""JSON bodies, read strictly. What HTTP answers to each is in tests/integration/test_inputs_bodies.py."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from service.api.json_body import MAX_DEPTH, parse_json

documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text("abc"), children, max_size=4),
    max_leaves=20,
)


def depth(document: Any) -> int:
    """Count how deep arrays and objects nest."""
    if isinstance(document, dict):
        document = list(document.values())
    if not isinstance(document, list):
        return 0
    return 1 + max(map(depth, document), default=0)


@given(document=documents.filter(lambda document: depth(document) <= MAX_DEPTH))
def test_what_is_well_formed_is_read(document: Any) -> None:
    """Every document that nests no deeper than allowed comes back as it was written."""
    assert document == parse_json(json.dumps(document).encode())


@given(document=documents, further=st.integers(1, 5))
def test_what_nests_too_deep_is_refused(document: Any, further: int) -> None:
    """However many brackets stand in strings, it is the depth that counts."""
    for _ in range(MAX_DEPTH + further):
        document = [document]

    with pytest.raises(BadRequest, match="nests deeper"):
        parse_json(json.dumps(document).encode())


def test_a_string_without_end_is_read_once() -> None:
    """The longest body of nothing but quotes is refused; to begin anew at each of them would take minutes."""
    body = b"[]" * (MAX_DEPTH + 1) + b'"' + b'\\"' * (128 * 1024)

    with pytest.raises(BadRequest, match="not acceptable JSON"):
        parse_json(body)
