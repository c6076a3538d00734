"""Counters as lines of JSON: nothing is lost on the way, and nothing else is taken for one."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.lines import as_line, parse_line
from service.counters import COUNTER_ID, MAX_VALUE, MIN_VALUE, Counter
from service.operations import OperationLog

KEY = "0190163d8694739baea5966c26f8ad91"
LATER = "0190163d8694739baea5966c26f8ad92"
FINGERPRINT = "Zm9vYmFyLg8"
LOG = {"floor": KEY, "entries": {LATER: [5, FINGERPRINT]}}

values = st.integers(MIN_VALUE, MAX_VALUE)
fingerprints = st.from_regex(re.compile(r"[A-Za-z0-9_-]{11}"), fullmatch=True)
keys = st.from_regex(re.compile(r"01[0-9a-f]{10}7[0-9a-f]{3}[89ab][0-9a-f]{15}(-[0-9]{3})?"), fullmatch=True)
logs = st.builds(
    OperationLog,
    floor=st.just("") | st.just("00" + KEY[2:]),
    entries=st.dictionaries(keys, st.tuples(values, fingerprints), min_size=1, max_size=5),
)
ids = st.from_regex(COUNTER_ID, fullmatch=True)
counters = st.builds(Counter, ids, values, st.none(), st.just(OperationLog()) | logs)
deleted = st.builds(Counter, ids, st.just(0), st.none(), logs, st.just(value=False))


@given(counters | deleted)
def test_a_line_says_all_of_a_counter(counter: Counter) -> None:
    """What is parsed is what was written: the value to the last digit, and what is remembered."""
    assert counter == parse_line(as_line(counter).encode())


def line(**fields: Any) -> bytes:
    """Write a line of these fields."""
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("malformed", "reason"),
    [
        (b"", "JSON"),
        (b"\n", "JSON"),
        (b'{"id":"c","value":1', "JSON"),
        (b'{"id":"c","value":1}{"id":"d","value":1}', "JSON"),
        (b'{"id":"c","value":1,"value":2}', "twice"),
        (b'{"id":"c","value":NaN}', "NaN"),
        (b"[" * 2000, "nests"),
        (b'{"id":"\xff","value":1}', "UTF-8"),
        (b'{"id":"\\ud800","value":1}', "UTF-8"),
        (b"[]", "object"),
        (line(id="c"), "object of id and value"),
        (line(id="c", value=1, extra=1), "object of id and value"),
        (line(id="c", value=1, deleted=True, operations=LOG), "object of id and value"),
        (line(id="c", deleted=True), "object of id and value"),
        (line(id="", value=1), "id must"),
        (line(id="../x", value=1), "id must"),
        (line(id=1, value=1), "id must"),
        (line(id="c", value=2**63), "value must"),
        (line(id="c", value=-(2**63) - 1), "value must"),
        (line(id="c", value=True), "value must"),
        (line(id="c", value=1.0), "value must"),
        (line(id="c", value="1"), "value must"),
        (line(id="c", deleted=False, operations=LOG), "deleted must"),
        (line(id="c", deleted=1, operations=LOG), "deleted must"),
        (line(id="c", value=1, operations=None), "operations must"),
        (line(id="c", value=1, operations={"floor": ""}), "operations must"),
        (line(id="c", value=1, operations={**LOG, "answers": []}), "operations must"),
        (line(id="c", value=1, operations={"floor": "", "entries": {}}), "empty"),
        (line(id="c", value=1, operations={**LOG, "floor": "x"}), "floor"),
        (line(id="c", value=1, operations={"floor": LATER, "entries": {KEY: [5, FINGERPRINT]}}), "floor"),
        (
            line(id="c", value=1, operations={"floor": "", "entries": {KEY.upper(): [5, FINGERPRINT]}}),
            "UUIDv7",
        ),
        (line(id="c", value=1, operations={"floor": "", "entries": {KEY: [True, FINGERPRINT]}}), "64-bit"),
        (line(id="c", value=1, operations={"floor": "", "entries": {KEY: [5, "short"]}}), "fingerprint"),
        (line(id="c", value=1, operations={"floor": "", "entries": {KEY: [5]}}), "fingerprint"),
    ],
)
def test_nothing_else_is_a_counter(malformed: bytes, reason: str) -> None:
    """Each malformed line is refused, with the reason."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_line(malformed)
