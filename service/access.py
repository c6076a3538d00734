"""Who may call the service: the tokens it knows, and what each of them allows.

A token is told to its holder once. The service keeps its SHA-256 alone, in a line that people can read and write:

    name=billing scopes=increment,read prefix=billing. sha256=3f79…
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from service.counters import COUNTER_ID

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a caller's name may look like, as a full match: it is written to the log."""

SHA256: Final = re.compile(r"[0-9a-f]{64}")
FIELDS: Final = frozenset({"name", "scopes", "prefix", "sha256"})


class Scope(StrEnum):
    """What a token allows."""

    READ = "read"
    """To read and list counters, and the contract."""

    INCREMENT = "increment"
    """To increment counters, whatever the strategy. The answer tells the value, so it is known without reading."""

    ADMIN = "admin"
    """To set and to delete counters, and all of the above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, known by its hash.

    Attributes:
        name: Who its holder is. Tokens may share a name: while one takes the other's place, both are valid.
        scopes: What it allows.
        prefix: What the ids of counters must begin with; any may be named if it is empty.
        sha256: The token's hash. A plain one: what is drawn from 2^256 cannot be guessed, however fast guesses are.
            Slow hashes make up for passwords that people choose, and would cost every request their time.

    Raises:
        ValueError: The name or the prefix is malformed, or there is no scope.
    """

    name: str
    scopes: frozenset[Scope]
    prefix: str = ""
    sha256: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"A name must match ^{NAME.pattern}$.")
        if self.prefix and not COUNTER_ID.fullmatch(self.prefix):
            raise ValueError(f"A prefix is the beginning of an id, and must match ^{COUNTER_ID.pattern}$.")
        if not self.scopes:
            raise ValueError("A token without a scope allows nothing.")

    def allows(self, scope: Scope) -> bool:
        """Say whether a call that takes ``scope`` may be made with it."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def covers(self, counter_id: str) -> bool:
        """Say whether the call may be about this counter."""
        return counter_id.startswith(self.prefix)

    def as_line(self) -> str:
        """Return the line that `parse_tokens` reads it from."""
        prefix = f" prefix={self.prefix}" if self.prefix else ""
        return f"name={self.name} scopes={','.join(sorted(self.scopes))}{prefix} sha256={self.sha256.hex()}"


def find(tokens: tuple[Token, ...], secret: str) -> Token | None:
    """Return the token that ``secret`` is, if it is any.

    How long it takes tells nothing of how near a guess has come: hashes are compared in constant time, and all of
    them, also behind the one that matches.
    """
    sha256 = _hash(secret)
    matches = [token for token in tokens if hmac.compare_digest(token.sha256, sha256)]
    return matches[0] if matches else None


def make_token(name: str, scopes: frozenset[Scope], prefix: str = "") -> tuple[str, Token]:
    """Return a new token: its text, which is its holder's alone, and what the service keeps of it.

    Raises:
        ValueError: The name or the prefix is malformed, or there is no scope.
    """
    secret = secrets.token_urlsafe(32)
    return secret, Token(name=name, scopes=scopes, prefix=prefix, sha256=_hash(secret))


def parse_tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens that a file holds, one a line; empty lines and those that begin with ``#`` are for people.

    Raises:
        ValueError: A line is malformed, a token stands twice, or there is none, which would let nobody in. The
            message says which line, and nothing of what stands there: by mistake it may be the token itself.
    """
    tokens: list[Token] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            tokens.append(_parse(line))
        except ValueError as error:
            raise ValueError(f"Line {number}. {error}") from None
    if not tokens:
        raise ValueError("There is no token, which would let nobody in.")
    if len({token.sha256 for token in tokens}) < len(tokens):
        raise ValueError("The same token stands twice.")
    return tuple(tokens)


def _parse(line: str) -> Token:
    pairs = [part.partition("=")[::2] for part in line.split()]
    given = dict(pairs)
    if len(given) < len(pairs) or not given.keys() <= FIELDS:
        raise ValueError("It takes name=, scopes=, sha256= and, if need be, prefix=, each once.")
    if given.get("prefix") == "":
        raise ValueError("An empty prefix confines to nothing: leave it out.")
    scopes = given.get("scopes", "").split(",")
    if not set(scopes) <= set(Scope):
        raise ValueError(f"Its scopes are one or several of {', '.join(Scope)}, with commas between.")
    if not SHA256.fullmatch(given.get("sha256", "")):
        raise ValueError("Its sha256 must be 64 hexadecimal digits, in lower case.")
    return Token(
        name=given.get("name", ""),
        scopes=frozenset(map(Scope, scopes)),
        prefix=given.get("prefix", ""),
        sha256=bytes.fromhex(given["sha256"]),
    )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
