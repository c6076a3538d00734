"""Idempotency keys, made as a caller makes them."""

import uuid_utils


def uuid7(*, milliseconds: int | None = None) -> str:
    """Return a new UUIDv7 (RFC 9562, section 5.7), which begins with its time.

    Args:
        milliseconds: Since 1970; now if left out.
    """
    return str(uuid_utils.uuid7(nanoseconds=None if milliseconds is None else milliseconds * 1_000_000))
