"""Log lines: one JSON object each with the Elastic Common Schema's names, or text for people."""

import contextlib
import json
import logging
import logging.config
import os
from collections.abc import Iterator
from pathlib import Path
from select import PIPE_BUF
from typing import Final

import pytest
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from service.logs import Lines, configuration, configure, hand_on
from service.settings import Settings

LOCAL: Final = "between-us"


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers, root.level = handlers, level
    clear_contextvars()


@pytest.fixture
def own_loggers() -> Iterator[None]:
    """Structlog as nobody has set it up, put back as it was."""
    was_configured, config = structlog.is_configured(), structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    if was_configured:
        structlog.configure(**config)
    clear_contextvars()


def test_a_line_is_json_with_ecs_names(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """Time, level, logger, process, message, what the request bound and what the call added, each under its name."""
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
        "process.pid": os.getpid(),
        "http.request.id": "r-1",
        "url.path": "/occ/a\nb",
    } == entry


def test_a_line_tells_when_it_was(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the microsecond, with all its zeros, in UTC."""
    logging.config.dictConfig(configuration(Settings(log_format="json")))
    monkeypatch.setattr("service.logs.time.time_ns", lambda: 1_700_000_000_000_045_000)

    logging.getLogger("service.x").warning("late")

    assert "2023-11-14T22:13:20.000045Z" == json.loads(capsys.readouterr().err)["@timestamp"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_whatever_fields_are_called_there_is_a_line(
    log_format: str, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also if their names are those that the formatter has for itself."""
    logging.config.dictConfig(configuration(Settings(log_format=log_format)))

    logging.getLogger("service.x").warning("late", extra={"_record": "r", "logger": "l", "level": "v"})

    assert "late" in capsys.readouterr().err


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


def test_text_is_nothing_that_a_terminal_obeys(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a caller has sent is shown, wherever it stands: not a title, a colour, or a line that nobody wrote."""
    logging.config.dictConfig(configuration(Settings(log_format="console")))
    sent = "\x1b]0;x\x07 \x1b[31m \x9b31m \x7f\b\r\n\u202e\u2028"

    logging.getLogger("service.x").error(
        "it is %s", sent, extra={"url.path": sent, "tag": "a\x1bb", "all": [sent]}, exc_info=ValueError(sent)
    )

    said = capsys.readouterr().err
    assert [] == [mark for mark in said if not mark.isprintable() and mark != "\n"]
    assert r"it is \x1b]0;x\x07 \x1b[31m \x9b31m \x7f\x08\r\n\u202e\u2028" in said.splitlines()[0]
    assert r"tag=a\x1bb" in said.splitlines()[0]
    assert r"ValueError: \x1b]0;x\x07" in said


def test_a_trace_for_people_has_no_values(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the lines that led to an error, and not what they worked on: that may be a token."""
    logging.config.dictConfig(configuration(Settings(log_format="console")))

    def fail(token: str) -> None:
        raise ValueError("why")

    try:
        fail(LOCAL)
    except ValueError:
        logging.getLogger("service.x").exception("failed")

    said = capsys.readouterr().err
    assert "in fail\n" in said
    assert "ValueError: why" in said
    assert LOCAL not in said


def test_less_than_the_level_is_not_said(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """At WARNING a request that was answered leaves no line."""
    logging.config.dictConfig(configuration(Settings(log_format="json", log_level="WARNING")))

    logging.getLogger("service.x").info("hello")

    assert capsys.readouterr().err == ""


def test_a_line_past_the_standard_library_is_the_same(
    root: logging.Logger, own_loggers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """But for its time, it cannot be told from one of the standard library's."""
    settings = Settings(log_format="json")
    logging.config.dictConfig(configuration(settings))
    configure(settings)
    bind_contextvars(**{"http.request.id": "r-1"})

    logging.getLogger("service.x").info("it is late", extra={"url.path": "/occ/ä\nb"})
    structlog.get_logger("service.x").info("it is late", **{"url.path": "/occ/ä\nb"})

    usual, own = map(json.loads, capsys.readouterr().err.splitlines())
    assert usual | {"@timestamp": own["@timestamp"]} == own


def test_less_than_the_level_is_not_said_past_it_either(
    own_loggers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """At WARNING a request that was answered leaves no line."""
    configure(Settings(log_format="json", log_level="WARNING"))

    structlog.get_logger("service.x").info("hello")

    assert capsys.readouterr().err == ""


def test_text_past_the_standard_library_is_for_people(
    own_loggers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same without braces."""
    configure(Settings(log_format="console"))

    structlog.get_logger("service.x").info("hello", **{"url.path": "/occ/a"})

    assert "url.path=/occ/a" in capsys.readouterr().err


def test_what_nobody_has_set_up_is_the_standard_librarys(
    own_loggers: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever serves the application with another server finds its lines where those of others are."""
    hand_on()

    with caplog.at_level(logging.INFO):
        structlog.get_logger("service.x").info("hello", **{"url.path": "/occ/a"})

    [record] = caplog.records
    assert ("service.x", "hello") == (record.name, record.getMessage())
    assert "/occ/a" == vars(record)["url.path"]


def test_what_is_set_up_already_stays(own_loggers: None, capsys: pytest.CaptureFixture[str]) -> None:
    """An application that is made later writes as it was told."""
    configure(Settings(log_format="json"))
    hand_on()

    structlog.get_logger("service.x").info("hello")

    assert "hello" in capsys.readouterr().err


def test_lines_are_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody gathers them."""
    lines = Lines()

    lines.write(b"a\n")
    lines.flush()

    assert "a\n" == capsys.readouterr().err


def test_gathered_lines_are_written_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    """And not before they are asked for."""
    lines = Lines()
    lines.gather()

    for line in (b"a\n", b"b\n"):
        lines.write(line)
        lines.flush()
    assert "" == capsys.readouterr().err

    lines.write_gathered()
    lines.write_gathered()
    assert "a\nb\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("length", "lengths"),
    [
        (PIPE_BUF // 2, [2, 2, 1]),
        (PIPE_BUF // 2 + 1, [1] * 5),
        (PIPE_BUF + 1, [1] * 5),
    ],
)
def test_no_pipe_takes_lines_apart(length: int, lengths: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each write has whole lines, and no more of them than a pipe takes at once, beside what others write there."""
    writes: list[bytes] = []
    monkeypatch.setattr("service.logs._write", writes.append)
    lines = Lines()
    lines.gather()
    sent = [b"%d" % number * (length - 1) + b"\n" for number in range(5)]

    for line in sent:
        lines.write(line)
    lines.write_gathered()

    assert b"".join(sent) == b"".join(writes)
    assert lengths == [len(write) // length for write in writes]


def test_what_cannot_be_written_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk takes no lines, and stops nobody."""
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stderr", full)
        lines = Lines()

        lines.write(b"a\n")
        lines.flush()

        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()
