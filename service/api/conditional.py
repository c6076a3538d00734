"""Conditional requests: entity tags out, If-Match and If-None-Match in (RFC 9110, section 13)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from werkzeug.exceptions import BadRequest

from service.counters import Revision
from service.preconditions import UNCONDITIONAL, HasVersion, MustExist, MustNotExist, Precondition

ENTITY_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
ENTITY_TAGS: Final = re.compile(rf"{ENTITY_TAG.pattern}(?:[ \t]*,[ \t]*{ENTITY_TAG.pattern})*")


def entity_tag(revision: Revision | None) -> str:
    """Return the strong entity tag of an existing counter: ``"<primary_term>-<seq_no>"``, quotes included."""
    return f'"{revision}"'


def required_by(environ: Mapping[str, Any]) -> Precondition:
    """Return what a request, by its headers as WSGI has them, demands of the counter it is about to change.

    A weak tag is lawful in If-Match and matches nothing, since the comparison is the strong one.

    Raises:
        BadRequest: A header is malformed, or both are there, or If-None-Match is anything but ``*``.
    """
    match environ.get("HTTP_IF_MATCH"), environ.get("HTTP_IF_NONE_MATCH"):
        case None, None:
            return UNCONDITIONAL
        case str(wanted), None:
            if wanted.strip() == "*":
                return MustExist()
            return HasVersion(tuple(tag if weak else tag[1:-1] for weak, tag in _tags(wanted)))
        case None, str(unwanted) if unwanted.strip() == "*":
            return MustNotExist()
        case _:
            raise BadRequest("Use either If-Match, or If-None-Match: * to create.")


def is_fresh(revision: Revision, environ: Mapping[str, Any]) -> bool:
    """Say whether the reader's copy is at this revision: If-None-Match of a GET, by the weak comparison.

    Raises:
        BadRequest: The header is malformed.
    """
    cached: str | None = environ.get("HTTP_IF_NONE_MATCH")
    if cached is None:
        return False
    if cached.strip() == "*":
        return True
    return entity_tag(revision) in {tag.removeprefix("W/") for _, tag in _tags(cached)}


def _tags(header: str) -> list[tuple[bool, str]]:
    """Return each entity tag of a header, whether it is weak and as it was written."""
    if not ENTITY_TAGS.fullmatch(header.strip()):
        raise BadRequest('An entity tag is written in double quotes, as "1-0".')
    return [(match[1] is not None, match[0]) for match in ENTITY_TAG.finditer(header)]
