"""Log lines: one JSON object each with the Elastic Common Schema's names, or text for people."""

import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
from structlog.contextvars import bind_contextvars, clear_contextvars

from service.logs import configuration
from service.settings import Settings


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers, root.level = handlers, level
    clear_contextvars()


def test_a_line_is_json_with_ecs_names(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """Time, level, logger, message, what the request bound, and what the call added, each under its name."""
    logging.config.dictConfig(configuration(Settings(log_format="json")))
    bind_contextvars(**{"http.request.id": "r-1"})

    logging.getLogger("service.x").warning("it is %s", "late", extra={"url.path": "/occ/a\nb"})

    [line] = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert entry.pop("@timestamp").endswith("Z")
    assert {
        "log.level": "warning",
        "message": "it is late",
        "log.logger": "service.x",
        "http.request.id": "r-1",
        "url.path": "/occ/a\nb",
    } == entry


def test_an_exception_is_in_the_same_line(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """Its trace is a field, so that it stays with its request."""
    logging.config.dictConfig(configuration(Settings(log_format="json")))

    logging.getLogger("service.x").error("failed", exc_info=ValueError("why"))

    [line] = capsys.readouterr().err.splitlines()
    assert "ValueError: why" in json.loads(line)["error.stack_trace"]


def test_text_is_for_people(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """The same without braces, and without colours where there is no terminal."""
    logging.config.dictConfig(configuration(Settings(log_format="console")))

    logging.getLogger("service.x").info("hello", extra={"url.path": "/occ/a"})

    line = capsys.readouterr().err
    assert "hello" in line
    assert "/occ/a" in line
    assert "\x1b" not in line


def test_less_than_the_level_is_not_said(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """At WARNING a request that was answered leaves no line."""
    logging.config.dictConfig(configuration(Settings(log_format="json", log_level="WARNING")))

    logging.getLogger("service.x").info("hello")

    assert capsys.readouterr().err == ""
