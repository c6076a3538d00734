"""Who sends a request."""

from flask import g


def caller() -> str:
    """Return the name of whoever sent the request at hand; an empty one where nobody has to say who they are."""
    name: str = g.get("caller", "")
    return name
