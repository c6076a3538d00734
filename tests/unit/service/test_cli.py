"""The command line, where no Elasticsearch is needed."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.access import Scope, find, parse_tokens
from service.cli import main


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_init_says_that_elasticsearch_is_not_there(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    """Once its patience is over it ends with a sentence and a code, not with a stack."""
    monkeypatch.setenv("ELASTICSEARCH_URL", f"http://127.0.0.1:{closed_port}")

    result = CliRunner().invoke(main, ["init", "--wait", "0"])

    assert (1, "Error: Elasticsearch cannot be reached.\n") == (result.exit_code, result.output)


def test_init_refuses_half_a_user(tmp_path: Path) -> None:
    """A user without a password is no user."""
    result = CliRunner().invoke(main, ["init", "--service-user", "counters"])

    assert 2 == result.exit_code
    assert "--service-password-file" in result.output


def test_init_names_the_malformed_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the environment is said before anything is tried."""
    monkeypatch.setenv("PORT", "eighty")

    result = CliRunner().invoke(main, ["init"])

    assert 1 == result.exit_code
    assert "PORT" in result.output


def test_token_makes_a_token() -> None:
    """The line goes where it can be appended to a file, and the token that it is for apart from it."""
    command = [
        "token",
        "--name",
        "billing",
        "--scope",
        "increment",
        "--scope",
        "read",
        "--prefix",
        "billing.",
    ]

    result = CliRunner().invoke(main, command)

    assert 0 == result.exit_code
    (token,) = parse_tokens(result.stdout)
    assert token == find((token,), result.stderr.strip())
    assert ("billing", {Scope.INCREMENT, Scope.READ}, "billing.") == (
        token.name,
        set(token.scopes),
        token.prefix,
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--name", "bil ling", "--scope", "read"], "name"),
        (["--name", "billing"], "--scope"),
        (["--name", "billing", "--scope", "write"], "--scope"),
        (["--name", "billing", "--scope", "read", "--prefix", "*"], "prefix"),
    ],
)
def test_token_refuses_what_the_file_could_not_hold(options: list[str], reason: str) -> None:
    """A malformed token is not made."""
    result = CliRunner().invoke(main, ["token", *options])

    assert (2, "") == (result.exit_code, result.stdout)
    assert reason in result.stderr


def test_openapi_prints_the_contract() -> None:
    """It needs no Elasticsearch and no environment."""
    result = CliRunner().invoke(main, ["openapi"])

    assert 0 == result.exit_code
    assert Path("openapi.yaml").read_text() == result.output
