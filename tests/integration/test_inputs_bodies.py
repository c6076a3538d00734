"""Bodies that are not what the contract describes, for every operation that takes one."""

import gzip

import pytest
import requests

from tests.api import Api
from tests.endpoints import ALL, LISTS, SET, SINGLES, Endpoint
from tests.problems import problem_in

JSON = {"Content-Type": "application/json"}

endpoints = pytest.mark.parametrize("endpoint", ALL.values(), ids=ALL)

NO_NUMBERS = {
    "true": "true",
    "text": '"1"',
    "nothing": "null",
    "a list": "[1]",
    "an object": "{}",
    "1.0": "1.0",
    "1.5": "1.5",
    "an exponent": "1e2",
    "a negative zero with a fraction": "-0.0",
    "2^63": str(2**63),
    "-2^63 - 1": str(-(2**63) - 1),
    "64 digits": "9" * 64,
}

NOT_JSON = {
    "not a number": "NaN",
    "infinity": "Infinity",
    "negative infinity": "-Infinity",
    "1e400": "1e400",
    "65 digits": "9" * 65,
    "5,000 digits": "9" * 5000,
    "5,000 digits behind the point": "0." + "9" * 5000,
    "a leading zero": "01",
    "a sign": "+1",
    "hexadecimal": "0x10",
    "no value": "",
    "a comment": "1 /* one */",
    "half a surrogate pair": '"\\ud800"',
    "a bare surrogate": '"\ud800"',
    "a control character": '"\x00"',
    "2,000 lists deep": "[" * 2000 + "]" * 2000,
    "2,000 objects deep": '{"a":' * 2000 + "1" + "}" * 2000,
    "100,000 lists without an end": "[" * 100_000,
    "one more value": "1} {",
}

NO_BODIES = {
    "nothing": "null",
    "a list": "[]",
    "text": '"1"',
    "a number": "1",
    "true": "true",
    "an unknown field": '{"by": 1, "value": 1, "increments": [{"id": "a"}], "to": 1}',
}


@endpoints
@pytest.mark.parametrize("amount", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_refuses_what_is_no_64_bit_integer(
    api: Api, kept_counter: str, endpoint: Endpoint, amount: str
) -> None:
    """An amount that is no 64-bit integer is a 422 that names the field; nothing is rounded or converted."""
    answer = send(api, endpoint, kept_counter, endpoint.body_with(amount, kept_counter))

    assert problem_in(answer, 422, "invalid-request")["errors"]


@endpoints
@pytest.mark.parametrize("amount", NOT_JSON.values(), ids=NOT_JSON)
def test_refuses_what_is_not_strictly_json(
    api: Api, kept_counter: str, endpoint: Endpoint, amount: str
) -> None:
    """What only some parsers take for JSON is a 400."""
    answer = send(api, endpoint, kept_counter, endpoint.body_with(amount, kept_counter))

    problem_in(answer, 400, "bad-request")


@endpoints
@pytest.mark.parametrize("body", NO_BODIES.values(), ids=NO_BODIES)
def test_refuses_json_of_another_form(api: Api, kept_counter: str, endpoint: Endpoint, body: str) -> None:
    """A body that is JSON of another form is a 422."""
    answer = send(api, endpoint, kept_counter, body.encode())

    assert problem_in(answer, 422, "invalid-request")["errors"]


@endpoints
def test_refuses_a_key_that_stands_twice(api: Api, kept_counter: str, endpoint: Endpoint) -> None:
    """Of two equal keys none is chosen: a body with both is a 400, escaped ones included."""
    body = endpoint.body_with("1", kept_counter)
    twice = body.replace(b'{"', b'{"by": 1, "b\\u0079": 1, "', 1)

    problem_in(send(api, endpoint, kept_counter, twice), 400, "bad-request")


@endpoints
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp037"])
def test_refuses_other_encodings(api: Api, kept_counter: str, endpoint: Endpoint, encoding: str) -> None:
    """A body is UTF-8 without a byte order mark."""
    body = endpoint.body_with("1", kept_counter).decode().encode(encoding)

    problem_in(send(api, endpoint, kept_counter, body), 400, "bad-request")


@endpoints
@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b" ", b"\x00", b"by=1", b"{'by': 1}"], ids=repr)
def test_refuses_what_is_not_json_at_all(
    api: Api, kept_counter: str, endpoint: Endpoint, body: bytes
) -> None:
    """A body that is no JSON is a 400."""
    problem_in(send(api, endpoint, kept_counter, body), 400, "bad-request")


@pytest.mark.parametrize("endpoint", [*LISTS.values(), SET], ids=[*LISTS, "set"])
def test_demands_a_body_where_it_matters(api: Api, kept_counter: str, endpoint: Endpoint) -> None:
    """Where a body is needed, none is a 422."""
    assert problem_in(send(api, endpoint, kept_counter, b""), 422, "invalid-request")["errors"]


@endpoints
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "application/merge-patch+json",
        "application/problem+json",
        "application/json5",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
        "application/json, application/json",
        "*/*",
    ],
)
def test_refuses_other_media_types(
    api: Api, kept_counter: str, endpoint: Endpoint, content_type: str | None
) -> None:
    """A body that is not declared as plain JSON in UTF-8 is a 415, however much it looks like it."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    body = endpoint.body_with("1", kept_counter)

    answer = api.request(endpoint.method, endpoint.path_for(kept_counter), data=body, headers=headers)

    problem_in(answer, 415, "unsupported-media-type")


@endpoints
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, gzip", "gzip, identity"])
def test_refuses_compressed_bodies(api: Api, kept_counter: str, endpoint: Endpoint, coding: str) -> None:
    """A compressed body is a 415, and is never unpacked: it may be a bomb."""
    bomb = gzip.compress(b" " * 10_000_000 + endpoint.body_with("1", kept_counter))

    answer = send(api, endpoint, kept_counter, bomb, **{"Content-Encoding": coding})

    problem_in(answer, 415, "unsupported-media-type")


@endpoints
def test_refuses_a_body_that_is_too_large(api: Api, kept_counter: str, endpoint: Endpoint) -> None:
    """A body of more than 256 KiB is a 413, even if what is too much are blanks."""
    body = endpoint.body_with("1", kept_counter).ljust(256 * 1024 + 1)

    answer = send(api, endpoint, kept_counter, body)

    problem_in(answer, 413, "content-too-large")


@pytest.mark.parametrize("endpoint", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("count", [0, 1001])
def test_refuses_lists_that_are_empty_or_too_long(
    api: Api, kept_counter: str, endpoint: Endpoint, count: int
) -> None:
    """A list has 1 to 1,000 items."""
    answer = api.post(endpoint.path, json={"increments": [{"id": kept_counter}] * count})

    assert ["increments"] == list(problem_in(answer, 422, "invalid-request")["errors"])


@pytest.mark.parametrize("endpoint", LISTS.values(), ids=LISTS)
def test_takes_the_longest_list(api: Api, counter_id: str, endpoint: Endpoint) -> None:
    """A list may have 1,000 items with ids of 128 characters and the smallest of amounts."""
    ids = [f"{counter_id}-{number}".ljust(128, "x") for number in range(1000)]

    answer = api.post(endpoint.path, json={"increments": [{"id": each, "by": -(2**63)} for each in ids]})

    assert (200, 0, 0) == (answer.status_code, answer.json()["failed"], answer.json()["unknown"])
    assert [(each, -(2**63)) for each in ids] == [
        (item["id"], item["value"]) for item in answer.json()["results"]
    ]


@pytest.mark.parametrize("endpoint", SINGLES.values(), ids=SINGLES)
@pytest.mark.parametrize(
    ("body", "by"),
    [
        (b"", 1),
        (b"{}", 1),
        (b' \t\r\n{ "by" : 5 } \n', 5),
        (b'{"b\\u0079": 5}', 5),
        (b'{"by": -3}', -3),
        (b'{"by": -0}', 0),
        (b'{"by": 0}', 0),
    ],
    ids=repr,
)
def test_takes_what_is_lawful(api: Api, counter_id: str, endpoint: Endpoint, body: bytes, by: int) -> None:
    """No body and an empty object mean 1; blanks, escapes, negative amounts and 0 mean what they say."""
    answer = send(api, endpoint, counter_id, body)

    assert (200, by, by) == (answer.status_code, answer.json()["by"], answer.json()["value"])
    assert by == api.value_of(counter_id)


@pytest.mark.parametrize("endpoint", SINGLES.values(), ids=SINGLES)
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json;",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "Application/JSON; Charset=Utf-8",
        "application/json; version=1",
    ],
)
def test_takes_json_however_declared(
    api: Api, counter_id: str, endpoint: Endpoint, content_type: str
) -> None:
    """A media type is the same in any case, and may name UTF-8."""
    body = endpoint.body_with("2", counter_id)

    answer = send(
        api, endpoint, counter_id, body, **{"Content-Type": content_type, "Content-Encoding": "Identity"}
    )

    assert (200, 2) == (answer.status_code, answer.json()["value"])


@pytest.mark.parametrize("endpoint", SINGLES.values(), ids=SINGLES)
def test_takes_a_body_of_the_largest_size(api: Api, counter_id: str, endpoint: Endpoint) -> None:
    """A body of 256 KiB is not too large yet, of known length or in chunks."""
    body = endpoint.body_with("2", counter_id).ljust(256 * 1024)

    fixed = api.post(endpoint.path_for(counter_id), data=body, headers=JSON)
    chunked = api.post(endpoint.path_for(counter_id), data=iter([body]), headers=JSON)

    assert [2, 4] == [fixed.json()["value"], chunked.json()["value"]]


def send(api: Api, endpoint: Endpoint, counter_id: str, body: bytes, **headers: str) -> requests.Response:
    """Send a body to an endpoint."""
    path = endpoint.path_for(counter_id)
    return api.request(endpoint.method, path, data=body, headers={**JSON, **headers})
