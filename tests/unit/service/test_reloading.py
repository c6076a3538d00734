"""Settings that are read anew while the service runs."""

import logging

import pytest

from service import reloading
from service.access import Scope, make_token


@pytest.fixture(autouse=True)
def _first_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin as a process that has not read its settings yet."""
    monkeypatch.setattr(reloading, "_kept", None)
    for name in ("ACCESS_TOKENS", "ACCESS_TOKENS_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_the_settings_are_those_of_the_last_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has changed since is seen, by the service that is made then, too."""
    before = reloading.settings()
    secret, token = make_token("billing", frozenset({Scope.READ}))
    monkeypatch.setenv("ACCESS_TOKENS", token.as_line())
    after = reloading.settings()
    http = reloading.app().test_client()

    assert ((), (token,)) == (before.access_tokens, after.access_tokens)
    assert 401 == http.get("/openapi.yaml").status_code
    assert 200 == http.get("/openapi.yaml", headers={"Authorization": f"Bearer {secret}"}).status_code


def test_a_mistake_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that was never right does not begin."""
    monkeypatch.setenv("ACCESS_TOKENS", "billing")

    with pytest.raises(SystemExit, match="ACCESS_TOKENS"):
        reloading.settings()


def test_a_mistake_does_not_end_what_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake that is made later is told in the log, and the settings stay what they were."""
    before = reloading.settings()
    monkeypatch.setenv("ACCESS_TOKENS", "name=billing scopes=read sha256=s3cret")

    with caplog.at_level(logging.ERROR):
        after = reloading.settings()

    assert before is after
    assert "ACCESS_TOKENS" in caplog.text
    assert "s3cret" not in caplog.text
