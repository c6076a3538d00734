"""Idempotency keys: the header by which a caller says that two requests are one.

Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/; the key itself is a UUIDv7 of
RFC 9562, section 5.7, because the log of operations needs to know which keys are older than others.
"""

import base64
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import Response

from service.api.access import caller
from service.api.asked import Asked, at_hand
from service.api.problems import InvalidHeader
from service.api.schemas import KEY_PATTERN
from service.counters import Increment
from service.errors import IdempotencyKeyExpired
from service.operations import MAX_AGE, Operation, time_of

HEADER: Final = "Idempotency-Key"
VARIABLE: Final = "HTTP_IDEMPOTENCY_KEY"
"""The same as WSGI has it, where to look takes no time."""

WINDOW: Final = "Idempotency-Window"
REPLAYED: Final = "Idempotency-Replayed"

KEY: Final = re.compile(KEY_PATTERN)

MAX_AHEAD: Final = 60.0
"""Seconds that a key may be ahead of this machine's clock. A single fast clock could else expire everyone's keys."""

FINGERPRINT_BYTES: Final = 8
"""Of a SHA-256: enough that two requests under one key are told apart, and few, as each stands in the counter."""


@dataclass(frozen=True, slots=True)
class Keys:
    """How keys are read, and how far back they are remembered: ``log_size`` operations a counter, for `MAX_AGE`."""

    log_size: int
    now: Callable[[], float] = time.time

    @property
    def window(self) -> str:
        """The value of the header that tells callers so: a dictionary, as a structured field has it (RFC 9651)."""
        return f"operations={self.log_size}, seconds={MAX_AGE}"

    def read(self) -> None:
        """Read the key of the request at hand, before its body.

        Raises:
            InvalidHeader: It is no UUIDv7, or ahead of the clock.
            IdempotencyKeyExpired: It is older than `MAX_AGE`, after which what bears it may have been forgotten.
        """
        asked = at_hand()
        given = asked.environ.get(VARIABLE)
        if given is None:
            return
        match = KEY.fullmatch(given)
        if match is None:
            raise InvalidHeader(HEADER, 'Must be a UUIDv7, such as "0190163d-8694-739b-aea5-966c26f8ad91".')
        key = match[2].replace("-", "").lower()
        age = self.now() - time_of(key) / 1000
        if age < -MAX_AHEAD:
            raise InvalidHeader(HEADER, f"Is more than {MAX_AHEAD:.0f} s ahead of the service's clock.")
        if age > MAX_AGE:
            raise IdempotencyKeyExpired
        asked.idempotency_key = key

    def tell_window(self, response: Response) -> Response:
        """Tell whoever has sent a key how long it is remembered."""
        if VARIABLE in at_hand().environ:
            response.headers[WINDOW] = self.window
        return response


def refuse_on_naive() -> None:
    """Refuse a key rather than ignore it: its sender relies on being free to repeat the request."""
    if VARIABLE in at_hand().environ:
        raise InvalidHeader(
            HEADER, "Is not taken: naive erases what others write, and its own memory with it. Use /scripted."
        )


def refuse_on_edit() -> None:
    """Refuse a key likewise where a counter is set or deleted: repeated late, that erases what came between."""
    asked = at_hand()
    if VARIABLE in asked.environ and asked.method in {"PUT", "DELETE"}:
        raise InvalidHeader(
            HEADER, "Is not taken: to set or delete a counter in the state that you know, send If-Match."
        )


def is_repeatable() -> bool:
    """Say whether the request at hand has a key, and so may be repeated whatever became of it."""
    return at_hand().idempotency_key is not None


def as_operation(asked: Increment, strategy: str) -> Increment:
    """Return the increment as the operation that the request's key names, or as it is without a key."""
    request = at_hand()
    if request.idempotency_key is None:
        return asked
    fingerprint = _fingerprint(request, strategy, asked.by)
    return replace(asked, operation=Operation(request.idempotency_key, fingerprint))


def as_operations(asked: Sequence[Increment], strategy: str) -> Sequence[Increment]:
    """Return the increments of a list as the operations that the request's key names.

    On each counter the first one bears the key itself, as a single increment does, and the others their number
    besides. So a counter knows the key also from a list in another order, and refuses it there.
    """
    request = at_hand()
    if request.idempotency_key is None:
        return asked
    fingerprint = _fingerprint(request, strategy, [[item.counter_id, item.by] for item in asked])
    numbers: Counter[str] = Counter()
    operations = []
    for item in asked:
        number = numbers[item.counter_id]
        numbers[item.counter_id] += 1
        # With leading zeros, for keys are forgotten in the order of their characters.
        key = f"{request.idempotency_key}-{number:03d}" if number else request.idempotency_key
        operations.append(replace(item, operation=Operation(key, fingerprint)))
    return operations


def _fingerprint(request: Asked, strategy: str, asked: Any) -> str:
    """Return what stands for the request: whose it is, and what it asks."""
    text = json.dumps([strategy, caller(request), asked])
    digest = hashlib.sha256(text.encode()).digest()[:FINGERPRINT_BYTES]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
