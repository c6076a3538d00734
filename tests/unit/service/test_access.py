"""Tokens: what a line of the file says, which text it lets in, and what that text may do."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access import Scope, Token, find, make_token, parse_tokens
from service.counters import COUNTER_ID

ONE = hashlib.sha256(b"one").hexdigest()
TWO = hashlib.sha256(b"two").hexdigest()

tokens = st.builds(
    Token,
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True),
    scopes=st.frozensets(st.sampled_from(Scope), min_size=1),
    prefix=st.just("") | st.from_regex(COUNTER_ID, fullmatch=True),
    sha256=st.binary(min_size=32, max_size=32),
)


def token_with(*scopes: Scope, prefix: str = "") -> Token:
    """Return a token with these rights."""
    return make_token("somebody", frozenset(scopes), prefix)[1]


def test_a_file_is_for_people_too() -> None:
    """Empty lines and comments are passed over, and a line's parts may stand in any order."""
    text = f"""
    # billing moves to a new token until the end of the month
    name=billing scopes=increment,read prefix=billing. sha256={ONE}
    sha256={TWO}\tscopes=admin   name=ops
    """

    billing = Token(
        name="billing",
        scopes=frozenset({Scope.INCREMENT, Scope.READ}),
        prefix="billing.",
        sha256=bytes.fromhex(ONE),
    )
    ops = Token(name="ops", scopes=frozenset({Scope.ADMIN}), sha256=bytes.fromhex(TWO))
    assert (billing, ops) == parse_tokens(text)


@given(token=tokens)
def test_a_line_holds_all_of_a_token(token: Token) -> None:
    """What is written as a line is read back as the same token."""
    assert (token,) == parse_tokens(token.as_line())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no token"),
        ("\n# nobody\n", "no token"),
        (f"name=a scopes=read sha256={ONE}\nname=b scopes=read sha256={ONE}", "twice"),
        (f"name=a name=b scopes=read sha256={ONE}", "each once"),
        (f"name=a scopes=read sha256={ONE} valid=always", "each once"),
        (f"a read {ONE}", "each once"),
        (f"scopes=read sha256={ONE}", "name"),
        (f"name= scopes=read sha256={ONE}", "name"),
        (f"name=é scopes=read sha256={ONE}", "name"),
        (f"name={'a' * 65} scopes=read sha256={ONE}", "name"),
        (f"name=a sha256={ONE}", "scopes"),
        (f"name=a scopes= sha256={ONE}", "scopes"),
        (f"name=a scopes=read,write sha256={ONE}", "scopes"),
        (f"name=a scopes=Read sha256={ONE}", "scopes"),
        (f"name=a scopes=read prefix= sha256={ONE}", "prefix"),
        (f"name=a scopes=read prefix=_bulk sha256={ONE}", "prefix"),
        (f"name=a scopes=read prefix=a* sha256={ONE}", "prefix"),
        ("name=a scopes=read", "sha256"),
        (f"name=a scopes=read sha256={ONE.upper()}", "sha256"),
        (f"name=a scopes=read sha256={ONE[1:]}", "sha256"),
    ],
)
def test_a_mistake_is_refused(text: str, reason: str) -> None:
    """A file with a mistake lets nobody in, rather than all but one."""
    with pytest.raises(ValueError, match=reason):
        parse_tokens(text)


def test_a_mistake_is_told_by_its_line_alone() -> None:
    """A token that stands in the file by mistake is not repeated in the message."""
    secret, token = make_token("a", frozenset({Scope.READ}))

    with pytest.raises(ValueError, match=r"Line 3\.") as raised:
        parse_tokens(f"{token.as_line()}\n\nname=b scopes=read sha256={secret}")

    assert secret not in str(raised.value)


def test_a_token_is_found_by_its_text() -> None:
    """Only the very text of a token is taken for it, whichever line it is on."""
    first, one = make_token("billing", frozenset({Scope.READ}))
    second, two = make_token("billing", frozenset({Scope.READ}))

    assert (one, two) == (find((one, two), first), find((one, two), second))
    for wrong in ("", first[:-1], first + "=", f" {first}", first.swapcase(), one.sha256.hex(), "é"):
        assert find((one, two), wrong) is None


def test_tokens_cannot_be_guessed() -> None:
    """A token is made of 256 random bits, and of characters that a header may hold."""
    secrets = {make_token("a", frozenset({Scope.READ}))[0] for _ in range(100)}

    assert 100 == len(secrets)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in secrets)


def test_a_token_shows_neither_text_nor_hash() -> None:
    """What may end up in a log or a trace is of no use."""
    secret, token = make_token("a", frozenset({Scope.READ}))

    assert secret not in token.as_line()
    assert token.sha256.hex() not in repr(token)
    assert repr(token.sha256) not in repr(token)


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ([Scope.READ], {Scope.READ}),
        ([Scope.INCREMENT], {Scope.INCREMENT}),
        ([Scope.READ, Scope.INCREMENT], {Scope.READ, Scope.INCREMENT}),
        ([Scope.ADMIN], set(Scope)),
    ],
)
def test_scopes(scopes: list[Scope], allowed: set[Scope]) -> None:
    """Reading and incrementing are apart; who may set and delete may do all."""
    token = token_with(*scopes)

    assert allowed == {scope for scope in Scope if token.allows(scope)}


@pytest.mark.parametrize(
    ("prefix", "covered"),
    [
        ("", ["a", "billing.a", "billing.", "billing", "Billing.a"]),
        ("billing.", ["billing.a", "billing."]),
        ("billing", ["billing.a", "billing.", "billing"]),
    ],
)
def test_prefixes(prefix: str, covered: list[str]) -> None:
    """A token is confined to ids that begin with its prefix, to the letter."""
    token = token_with(Scope.READ, prefix=prefix)
    ids = ["a", "billing.a", "billing.", "billing", "Billing.a"]

    assert covered == [id_ for id_ in ids if token.covers(id_)]


@pytest.mark.parametrize(
    ("name", "scopes", "prefix"),
    [("", {Scope.READ}, ""), ("a b", {Scope.READ}, ""), ("a", set(), ""), ("a", {Scope.READ}, "a/")],
)
def test_a_malformed_token_is_not_made(name: str, scopes: set[Scope], prefix: str) -> None:
    """What the file could not hold is not handed out."""
    with pytest.raises(ValueError, match=r"must match|without a scope"):
        make_token(name, frozenset(scopes), prefix)
