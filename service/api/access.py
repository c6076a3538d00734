"""Who sends a request, and whether they may: bearer tokens (RFC 6750), checked before all else.

Where the service knows no tokens, everybody may do everything.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, NoReturn

from flask import abort
from structlog.contextvars import bind_contextvars

from service.access import Scope, Token, find
from service.api.asked import Asked
from service.api.problems import FRAMEWORK

OPEN: Final = frozenset({"health", "web"})
"""The blueprints that take no token.

Those who ask for health are machines that nobody gives secrets to. The race page is the same for everybody and tells
of no counter; what it then sends takes a token, for which it asks.
"""

PAGES: Final = ("/docs", "/openapi.yaml")
"""What a browser gets by itself. It cannot send a bearer token then, but asks its user for a password (RFC 7617).

Nothing else takes the token as a password: browsers would send it along with whatever another site's page requests.
"""

SCOPES: Final[Mapping[str, Scope]] = MappingProxyType(
    {
        "GET": Scope.READ,
        "HEAD": Scope.READ,
        "OPTIONS": Scope.READ,
        "POST": Scope.INCREMENT,
        "PUT": Scope.ADMIN,
        "DELETE": Scope.ADMIN,
    }
)
"""What each method takes: the contract reads, increments, sets and deletes by methods of their own."""

CHALLENGE: Final = 'Bearer realm="counters"'


def is_nobodys_path(asked: Asked) -> bool:
    """Say whether a path is none of the service's, though werkzeug takes it for one.

    It drops further slashes at the beginning, behind which a path would escape a proxy's rules.
    """
    path: str = asked.environ["PATH_INFO"]
    return path.startswith("//")


def check(asked: Asked, tokens: tuple[Token, ...]) -> None:
    """Refuse a request unless it comes with one of ``tokens``, and with one that allows it.

    Paths and methods that do not exist are refused alike: what there is, is nobody's business.
    """
    if asked.blueprint in OPEN and not is_nobodys_path(asked):
        return
    asked.token = token = _identify(asked, tokens)
    bind_contextvars(**{"user.name": token.name})
    scope = SCOPES.get(asked.method, Scope.ADMIN)
    if asked.url_rule is not None and not token.allows(scope):
        _refuse(
            asked,
            HTTPStatus.FORBIDDEN,
            f"The token lacks the scope {scope}.",
            f'error="insufficient_scope", scope="{scope}"',
        )
    counter_id = (asked.view_args or {}).get("counter_id")
    if counter_id is not None:
        confine(asked, [counter_id])


def caller(asked: Asked) -> str:
    """Return the name of whoever sent a request; an empty one where nobody has to say who they are."""
    return asked.token.name if asked.token else ""


def confine(asked: Asked, counter_ids: Iterable[str]) -> None:
    """Refuse a request, as a whole, if its token does not cover each of these counters."""
    token = asked.token
    if token and not all(map(token.covers, counter_ids)):
        _refuse(
            asked,
            HTTPStatus.FORBIDDEN,
            f"The token is confined to ids that begin with {token.prefix!r}.",
            'error="insufficient_scope"',
        )


def confined_prefix(asked: Asked, prefix: str) -> str:
    """Return what listed ids must begin with: what is asked for, or all that the token covers if nothing is.

    What is asked for must be covered by the token. To answer with less than that would pass for the whole.
    """
    if asked.token is None:
        return prefix
    confine(asked, [prefix or asked.token.prefix])
    return prefix or asked.token.prefix


def _identify(asked: Asked, tokens: tuple[Token, ...]) -> Token:
    secret = _secret(asked)
    if secret is None:
        _refuse(asked, HTTPStatus.UNAUTHORIZED, "The service takes a token: Authorization: Bearer TOKEN.")
    token = find(tokens, secret)
    if token is None:
        _refuse(asked, HTTPStatus.UNAUTHORIZED, "The token is not known here.", 'error="invalid_token"')
    return token


def _secret(asked: Asked) -> str | None:
    """Return what a request holds in place of a token; None if that is of a scheme that is not taken."""
    scheme, _, credentials = asked.headers.get("Authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip()
        case "basic" if asked.path.startswith(PAGES):
            try:
                return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
            except ValueError:
                return ""
        case _:
            return None


def _refuse(asked: Asked, status: HTTPStatus, detail: str, attributes: str = "") -> NoReturn:
    """Answer with a problem, and with what would be let in (RFC 6750, section 3)."""
    response = replace(FRAMEWORK[status], detail=detail).as_response()
    response.headers.add("WWW-Authenticate", f"{CHALLENGE}, {attributes}" if attributes else CHALLENGE)
    if status is HTTPStatus.UNAUTHORIZED and asked.path.startswith(PAGES):
        response.headers.add("WWW-Authenticate", 'Basic realm="counters", charset="UTF-8"')
    abort(response)
