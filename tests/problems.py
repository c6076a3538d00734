"""What every problem has to be, whichever request met it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no type hints

from tests.openapi import document

TABLE: Final = Path(__file__).parent.parent / "docs" / "problems.md"

DOCUMENTED: Final = dict(re.findall(r"^\| `(\S+)` \| (\d+) \|", TABLE.read_text("utf-8"), flags=re.MULTILINE))
"""The status of every type of problem, as docs/problems.md has them."""

SCHEMA: Final = Draft202012Validator(document()["components"]["schemas"]["Problem"])

LEAKS: Final = re.compile(
    r"Traceback|\.py\b|127\.0\.0\.1|localhost|elastic_transport|exception", re.IGNORECASE
)
"""What a caller must not be shown: where the code stands, and where Elasticsearch is."""


class Answer(Protocol):
    """What the tests' several clients have in common."""

    @property
    def status_code(self) -> int:
        """The status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, in lower case or whatever the case."""
        ...

    @property
    def text(self) -> str:
        """The body."""
        ...

    def json(self) -> Any:
        """Return the parsed body."""
        ...


def problem_in(answer: Answer, status: int, kind: str) -> dict[str, Any]:
    """Return the problem in an answer, which must be a documented one of this status and kind."""
    assert (status, "application/problem+json") == (answer.status_code, answer.headers["content-type"]), (
        answer.text
    )
    problem: dict[str, Any] = answer.json()
    check(problem)
    assert (f"/problems/{kind}", status) == (problem["type"], problem["status"]), problem
    assert answer.headers["x-request-id"]
    return problem


def check(problem: dict[str, Any]) -> None:
    """Fail unless a problem is one that is documented and shows nothing that is not for callers."""
    SCHEMA.validate(problem)
    assert DOCUMENTED[problem["type"]] == str(problem["status"])
    assert not LEAKS.search(str(problem)), problem
