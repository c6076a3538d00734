"""Callers with tokens, for the tests of a service that asks for them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service.access import Scope, Token, make_token

OWN: Final = "billing."
"""What the ids begin with that the caller `billing` is confined to."""

RIGHTS: Final[Mapping[str, tuple[frozenset[Scope], str]]] = MappingProxyType(
    {
        "reader": (frozenset({Scope.READ}), ""),
        "writer": (frozenset({Scope.INCREMENT}), ""),
        "admin": (frozenset({Scope.ADMIN}), ""),
        "billing": (frozenset({Scope.ADMIN}), OWN),
    }
)
"""The scopes and the prefix of each caller."""

_MADE: Final = {
    **{name: make_token(name, scopes, prefix) for name, (scopes, prefix) in RIGHTS.items()},
    # What the same caller will use from now on.
    "writer, renewed": make_token("writer", *RIGHTS["writer"]),
}

SECRETS: Final[Mapping[str, str]] = MappingProxyType({name: secret for name, (secret, _) in _MADE.items()})
"""What each caller knows."""

TOKENS: Final[Mapping[str, Token]] = MappingProxyType({name: token for name, (_, token) in _MADE.items()})
"""What the service knows of each."""

FILE: Final = "".join(f"{token.as_line()}\n" for token in TOKENS.values())
"""The same as the service reads it."""


def bearer(name: str) -> str:
    """Return what a caller sends in the header Authorization."""
    return f"Bearer {SECRETS[name]}"
