"""How openapi.yaml says who may call what."""

from typing import Any, Final

from apispec import BasePlugin

from service.api.access import OPEN, SCOPES
from service.api.rejections import REJECTIONS

BEARER: Final = "bearer"
"""What the way to say who one is is called among the components."""

SCHEME: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "Needed where the service has been told tokens; elsewhere it is not looked at.",
}


class ScopesPlugin(BasePlugin):
    """Says of each operation which scope it takes, and what becomes of a request without."""

    def operation_helper(
        self,
        path: str | None = None,  # noqa: ARG002 - apispec's own signature
        operations: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Add this to the operations of a path."""
        for method, operation in (operations or {}).items():
            if OPEN.isdisjoint(operation["tags"]):
                # Any of the two does: it depends on the service's settings whether nothing is enough.
                operation["security"] = [{}, {BEARER: [SCOPES[method.upper()].value]}]
                operation["responses"] |= {"401": REJECTIONS[401][0], "403": REJECTIONS[403][0]}
