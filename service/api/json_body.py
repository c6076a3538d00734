"""JSON request bodies, parsed strictly before any schema sees them.

Parsers differ on what RFC 8259 leaves open, and the usual ones guess: the last of two equal keys wins, ``NaN``
passes, a body without a content type is taken for an empty one. A service that counts must not guess.
"""

import json
import re
from typing import Any, Final, NoReturn

from flask import Request, current_app
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]  # gunicorn has no type hints
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

MAX_DEPTH: Final = 16
"""How deep arrays and objects may nest; the contract's own bodies need 3."""

MAX_DIGITS: Final = 64
"""How long a number may be written; the contract's own have 20 characters at most."""

BRACKETS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?+|[\[{]|[\]}]', re.DOTALL)
"""A string, an opening or a closing bracket: brackets within strings do not nest.

Possessive, and content with a string that does not end: every character is looked at once, whatever the body.
"""


def read_body(request: Request) -> bytes:
    """Return the whole body.

    Not by way of werkzeug, which takes a body for whole that ends before its Content-Length, and so would turn an
    amount that was lost into an increment by 1; and which silently cuts a chunked one off at the limit.

    Raises:
        BadRequest: The body ended early, or its chunks are malformed.
        RequestEntityTooLarge: It is longer than the application's ``MAX_CONTENT_LENGTH``.
    """
    environ = request.environ
    if environ.get("CONTENT_LENGTH", "0") == "0" and "HTTP_TRANSFER_ENCODING" not in environ:
        return b""
    limit: int = current_app.config["MAX_CONTENT_LENGTH"]
    declared = request.content_length
    if declared is not None and declared > limit:
        raise RequestEntityTooLarge
    try:
        body: bytes = environ["wsgi.input"].read(limit + 1 if declared is None else declared)
    except (ParseException, OSError) as error:
        raise BadRequest("The request body ended early, or its chunks are malformed.") from error
    if len(body) > limit:
        raise RequestEntityTooLarge
    if declared is not None and len(body) < declared:
        raise BadRequest(f"The request body ended after {len(body)} of {declared} bytes.")
    return body


def read_json(request: Request) -> Any:
    """Return the parsed body, or an empty object if there is none.

    Raises:
        UnsupportedMediaType: The body is not declared as plain JSON.
        BadRequest: It is not whole, or not strictly well-formed JSON in UTF-8.
        RequestEntityTooLarge: It is longer than the application's ``MAX_CONTENT_LENGTH``.
    """
    body = read_body(request)
    if not body:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("A request body must have the Content-Type application/json.")
    if request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType("A request body must be in UTF-8.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("A request body must not be compressed.")
    return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Return what a JSON text in UTF-8 holds.

    Raises:
        BadRequest: It is malformed, has a key twice in one object, a number that is not finite or longer than
            `MAX_DIGITS`, an unpaired surrogate, or nests deeper than `MAX_DEPTH`.
    """
    try:
        return parse_strictly(body)
    except UnicodeError as error:
        raise BadRequest("The request body is not text in UTF-8.") from error
    except ValueError as error:
        raise BadRequest(f"The request body is not acceptable JSON: {error}") from error


def parse_strictly(text: bytes) -> Any:
    """Return what a JSON text in UTF-8 holds, wherever it comes from.

    Raises:
        UnicodeError: It is no text in UTF-8, or has an unpaired surrogate.
        ValueError: As `parse_json`.
    """
    decoded = text.decode()
    _check_depth(decoded)
    parsed = DECODER.decode(decoded)
    if "\\u" in decoded:
        # An escaped surrogate without its other half is no character, and could not be answered.
        json.dumps(parsed, ensure_ascii=False).encode()
    return parsed


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in BRACKETS.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
        if depth > MAX_DEPTH:
            raise ValueError(f"it nests deeper than {MAX_DEPTH} levels.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        raise ValueError("an object has a key twice.")
    return parsed


def _bounded_int(digits: str) -> int:
    _check_length(digits)
    return int(digits)


def _finite_float(digits: str) -> float:
    _check_length(digits)
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large.")
    return number


def _check_length(digits: str) -> None:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON.")


DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_int=_bounded_int,
    parse_float=_finite_float,
    parse_constant=_refuse_constant,
)
