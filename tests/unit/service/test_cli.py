"""The command line, where no Elasticsearch is needed."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

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


def test_openapi_prints_the_contract() -> None:
    """It needs no Elasticsearch and no environment."""
    result = CliRunner().invoke(main, ["openapi"])

    assert 0 == result.exit_code
    assert Path("openapi.yaml").read_text() == result.output
