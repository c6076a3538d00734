"""The command line, where no Elasticsearch is needed."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.access import Scope, find, parse_tokens
from service.cli import main
from service.version import __version__

commands = pytest.mark.parametrize("command", sorted(main.commands))


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


@pytest.mark.parametrize(
    "options",
    [
        ["--api-key", "counters"],
        ["--api-key-file", "key"],
        ["--api-key", "counters", "--api-key-file", __file__],
    ],
)
def test_init_refuses_an_api_key_that_it_could_not_hand_over(options: list[str]) -> None:
    """A key is told once; so there must be a place for it, in which nothing is lost."""
    result = CliRunner().invoke(main, ["init", *options])

    assert 2 == result.exit_code
    assert "key" in result.stderr.lower()


@pytest.mark.parametrize(
    "command", [["init"], ["serve"], ["check"], ["export", "-"], ["import", "-"]], ids=lambda each: each[0]
)
def test_every_command_names_the_malformed_setting(
    monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """What is wrong with the environment is said before anything is tried, in a sentence."""
    monkeypatch.setenv("PORT", "eighty")

    result = CliRunner().invoke(main, command)

    assert (1, SystemExit) == (result.exit_code, type(result.exception))
    assert "PORT" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", [["export", "-"], ["import", "--endless", "-"]], ids=lambda each: each[0])
def test_every_command_says_that_elasticsearch_is_not_there(
    monkeypatch: pytest.MonkeyPatch, closed_port: int, command: list[str]
) -> None:
    """Likewise what is wrong with Elasticsearch."""
    monkeypatch.setenv("ELASTICSEARCH_URL", f"http://127.0.0.1:{closed_port}")

    result = CliRunner().invoke(main, command)

    assert (1, SystemExit, "") == (result.exit_code, type(result.exception), result.stdout)
    assert result.stderr.endswith("Error: Elasticsearch cannot be reached.\n")


def test_check_says_which_node_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    """It names the setting to look at, and does not go on without a node."""
    monkeypatch.setenv("ELASTICSEARCH_URL", f"http://127.0.0.1:{closed_port}")

    result = CliRunner().invoke(main, ["check"])

    states = [line.split()[:2] for line in result.stdout.splitlines()]
    assert 1 == result.exit_code
    assert [["ok", "settings"], ["failed", "connection"]] == states
    assert f"http://127.0.0.1:{closed_port}" in result.stdout
    assert "ELASTICSEARCH_URL" in result.stdout


@commands
def test_every_command_explains_itself(command: str) -> None:
    """Its help has an example that begins as one would type it."""
    result = CliRunner().invoke(main, [command, "--help"])

    assert 0 == result.exit_code
    assert f"es-counters {command}" in result.stdout.partition("Example")[2]


@commands
def test_an_option_that_is_not_there_is_a_misuse(command: str) -> None:
    """The exit code tells a command line that is not understood from work that failed."""
    result = CliRunner().invoke(main, [command, "--no-such-option"])

    assert (2, "") == (result.exit_code, result.stdout)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("es-counters ex", {"export"}),
        ("es-counters import --if-exists ", {"fail", "skip", "overwrite"}),
        ("es-counters race --strategy sc", {"scripted"}),
    ],
)
def test_shells_complete_it(words: str, expected: set[str]) -> None:
    """What the script asks that a shell sources, as docs/cli.md says, is answered."""
    *_, last = words.split(" ")
    typed = {
        "_ES_COUNTERS_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }

    offered = subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main(prog_name='es-counters')"],
        env={**os.environ, **typed},
        capture_output=True,
        text=True,
        check=False,
    )

    assert expected == {line.partition(",")[2] for line in offered.stdout.splitlines()}
    assert all(word.startswith(last) for word in expected)


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


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "foo",
        "ftp://a",
        "http://",
        "http://[::1",
        "http://localhost:99999",
        "http://a b",
        "https://a?b#c",
        "http://somebody:secret@127.0.0.1:8000",
    ],
)
def test_a_race_takes_a_url(url: str) -> None:
    """What is none is a misuse; nor is a password taken, which would stand in what is said."""
    result = CliRunner().invoke(main, ["race", "--url", url])

    assert (2, "") == (result.exit_code, result.stdout)
    assert "http:// or https://" in result.stderr
    assert "secret" not in result.stderr


def test_it_says_its_version() -> None:
    """That of the package, from which it is built."""
    result = CliRunner().invoke(main, ["--version"])

    assert f"es-counters, version {__version__}\n" == result.stdout


def test_a_race_without_a_service_is_none(closed_port: int) -> None:
    """It says how to start one, and of no counter that it is left behind: none can have been made."""
    result = CliRunner().invoke(main, ["race", "--url", f"http://127.0.0.1:{closed_port}"])

    assert (1, "") == (result.exit_code, result.stdout)
    assert "es-counters serve" in result.stderr
    assert "left behind" not in result.stderr
