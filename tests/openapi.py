"""The contract as it is committed."""

from pathlib import Path
from typing import Any, Final

import yaml

COMMITTED: Final = Path(__file__).parent.parent / "openapi.yaml"


def document() -> dict[str, Any]:
    """Return what openapi.yaml holds."""
    parsed: dict[str, Any] = yaml.safe_load(COMMITTED.read_text("utf-8"))
    return parsed


def operations() -> dict[str, dict[str, Any]]:
    """Return every operation by its method and path, as in ``POST /occ/{counter_id}``."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }
