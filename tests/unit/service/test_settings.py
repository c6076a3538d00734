"""Settings: read from the environment or from files, and refused with every reason at once."""

from pathlib import Path

import pytest
from environs import EnvError

from service.access import Scope, make_token
from service.settings import Settings

NAMES = (
    "ELASTICSEARCH_URL",
    "ELASTICSEARCH_API_KEY",
    "ELASTICSEARCH_USERNAME",
    "ELASTICSEARCH_PASSWORD",
    "ELASTICSEARCH_CA_CERTS",
    "ACCESS_TOKENS",
    "ACCESS_TOKENS_FILE",
)


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without the settings that the test run itself may have been given."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_nothing_set_is_the_default() -> None:
    """An empty environment serves the node that ``make run`` starts."""
    assert Settings() == Settings.from_env()


def test_several_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL may name each node of a cluster."""
    monkeypatch.setenv("ELASTICSEARCH_URL", "http://a:9200,https://b:9201")

    assert ("http://a:9200", "https://b:9201") == Settings.from_env().elasticsearch_url


def test_a_secret_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A password's file may end in a newline, and the password shows in no representation."""
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    monkeypatch.setenv("ELASTICSEARCH_USERNAME", "counters")
    monkeypatch.setenv("ELASTICSEARCH_PASSWORD_FILE", str(file))

    settings = Settings.from_env()

    assert "s3cret" == settings.elasticsearch_password
    assert "s3cret" not in repr(settings)


def test_a_key_of_two_lines_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is no header's value would fail in every call, in an error that shows it: it is refused at the start."""
    file = tmp_path / "key"
    file.write_text("c2VjcmV0OmtleQ==\nb2xkOnNlY3JldA==\n")
    monkeypatch.setenv("ELASTICSEARCH_API_KEY_FILE", str(file))

    with pytest.raises(EnvError, match="ELASTICSEARCH_API_KEY") as caught:
        Settings.from_env()

    assert "c2VjcmV0" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is that of every other malformed setting."""
    monkeypatch.setenv("ELASTICSEARCH_PASSWORD_FILE", "/nonexistent")

    with pytest.raises(EnvError, match="ELASTICSEARCH_PASSWORD_FILE"):
        Settings.from_env()


def test_tokens_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file says who is let in, and an empty name of a file, as a compose file gives it, is none."""
    _, token = make_token("billing", frozenset({Scope.INCREMENT}))
    file = tmp_path / "tokens"
    file.write_text(f"# us\n{token.as_line()}\n")

    monkeypatch.setenv("ACCESS_TOKENS_FILE", str(file))
    confined = Settings.from_env()
    monkeypatch.setenv("ACCESS_TOKENS_FILE", "")
    open_to_all = Settings.from_env()

    assert ((token,), ()) == (confined.access_tokens, open_to_all.access_tokens)


def test_a_file_of_nobody_does_not_let_everybody_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty file of tokens stops the start."""
    file = tmp_path / "tokens"
    file.touch()
    monkeypatch.setenv("ACCESS_TOKENS_FILE", str(file))

    with pytest.raises(EnvError, match="ACCESS_TOKENS"):
        Settings.from_env()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "65536"),
        ("WORKERS", "0"),
        ("THREADS", "-1"),
        ("ELASTICSEARCH_URL", "localhost:9200"),
        ("ELASTICSEARCH_URL", ""),
        ("ELASTICSEARCH_URL", "http://localhost"),
        ("ELASTICSEARCH_URL", "http://a b:9200"),
        ("ELASTICSEARCH_URL", "http://user:secret@localhost:9200"),
        ("ELASTICSEARCH_CA_CERTS", "/nowhere/at/all"),
        ("THREADS", "1025"),
        ("ELASTICSEARCH_TIMEOUT", "0"),
        ("ELASTICSEARCH_TIMEOUT", "nan"),
        ("CONFLICT_MAX_ATTEMPTS", "0"),
        ("REQUEST_TIMEOUT", "0"),
        ("REQUEST_TIMEOUT", "inf"),
        ("COUNTERS_ALIAS", "Counters"),
        ("COUNTERS_ALIAS", "counters,secrets"),
        ("COUNTERS_ALIAS", "*"),
        ("WEB_ENABLED", "perhaps"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
        ("ACCESS_TOKENS", ""),
        ("ACCESS_TOKENS", "secret"),
        ("ACCESS_TOKENS_FILE", "/nowhere/at/all"),
        ("ELASTICSEARCH_PASSWORD_FILE", "/nowhere/at/all"),
    ],
)
def test_a_malformed_setting_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """The message says which setting it is."""
    monkeypatch.setenv(name, value)

    with pytest.raises((EnvError, ValueError), match=name):
        Settings.from_env()


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"ELASTICSEARCH_USERNAME": "u"}, "ELASTICSEARCH_PASSWORD"),
        ({"ELASTICSEARCH_PASSWORD": "p"}, "ELASTICSEARCH_USERNAME"),
        (
            {"ELASTICSEARCH_API_KEY": "k", "ELASTICSEARCH_USERNAME": "u", "ELASTICSEARCH_PASSWORD": "p"},
            "not both",
        ),
        ({"ELASTICSEARCH_CA_CERTS": __file__}, "https"),
        ({"REQUEST_TIMEOUT": "28"}, "GRACEFUL_TIMEOUT"),
        ({"CONFLICT_BACKOFF_BASE": "0.5"}, "CONFLICT_BACKOFF_CAP"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], reason: str
) -> None:
    """A combination that cannot work is said at the start, not found at the first request or the last."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(EnvError, match=reason):
        Settings.from_env()


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("WEB_ENABLED", "maybe", "WEB_ENABLED: Must be true or false."),
        ("REQUEST_TIMEOUT", "abc", "REQUEST_TIMEOUT: Must be a number."),
        ("WORKERS", "1.5", "WORKERS: Must be a whole number."),
        (
            "ELASTICSEARCH_API_KEY",
            "se cret",
            "ELASTICSEARCH_API_KEY: Must be a single API key in its encoded form, in Base64.",
        ),
    ],
)
def test_what_is_allowed_is_said(monkeypatch: pytest.MonkeyPatch, name: str, given: str, told: str) -> None:
    """In a sentence for each setting, which never says what stands there: it may be secret."""
    monkeypatch.setenv(name, given)

    with pytest.raises(EnvError) as refused:
        Settings.from_env()

    assert told == str(refused.value)
