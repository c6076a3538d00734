"""Idempotency keys, made as a caller makes them."""

import secrets
import time
import uuid


def uuid7(*, milliseconds: int | None = None) -> str:
    """Return a new UUIDv7 (RFC 9562, section 5.7), which begins with its time.

    Args:
        milliseconds: Since 1970; now if left out.
    """
    time_ = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    number = time_ << 80 | secrets.randbits(80)
    # The version stands in bits 48 to 51, the variant in bits 64 and 65.
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=number))
