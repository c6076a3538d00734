"""The request at hand, and what the service finds out about it on its way."""

from flask import Request, request

from service.access import Token


class Asked(Request):
    """A request, which keeps what is found out about it where Flask's ``g`` would, but nearer.

    Attributes:
        id: What it is called in the log.
        began: When the service turned to it, in nanoseconds of ``time.perf_counter_ns``.
        token: Who sent it; None where nobody has to say who they are.
        idempotency_key: The key by which it may be repeated, as it is remembered; None for one that has none.
    """

    id: str = ""
    began: int = 0
    token: Token | None = None
    idempotency_key: str | None = None


def at_hand() -> Asked:
    """Return the request at hand itself: to look through Flask's proxy a dozen times takes longer than all else."""
    asked: Asked = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - documented
    return asked
