"""How log lines look: JSON with the Elastic Common Schema's field names, or text for people at a terminal.

The service logs through the standard library and leaves the configuration to whoever starts it; gunicorn.conf.py
uses `configuration`. The line of each request alone goes past the standard library, on which it would spend most of its
time, through a logger of structlog's own, which `configure` sets up; a worker has many of them written together.

Source: https://www.elastic.co/docs/reference/ecs/ecs-field-reference and
https://www.structlog.org/en/stable/performance.html
"""

import atexit
import os
import sys
import time
from collections import deque
from collections.abc import MutableMapping
from contextlib import suppress
from functools import lru_cache
from select import PIPE_BUF
from typing import Any, BinaryIO, Final, cast

import structlog

from service.json_text import encode
from service.settings import Settings

MANY_LINES: Final = frozenset({"exception", "stack"})
"""The fields that have several lines."""

NANOSECONDS: Final = 1_000_000_000


class Lines:
    """Standard error, as structlog's own loggers write to it: each line at once, or many of them together.

    A write gives Python's lock away, for which its thread then has to wait again; a worker that serves many requests at
    a time rather writes once for all of them. No write is longer than a pipe takes as a whole, unless one line is:
    other processes write there as well.
    """

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._are_gathered = False

    def write(self, line: bytes) -> None:
        """Take a line. Any thread may, and does so by a logger that lets in one of them at a time."""
        self._lines.append(line)

    def flush(self) -> None:
        """Write what has been taken, unless lines are gathered."""
        if not self._are_gathered:
            self.write_gathered()

    def gather(self) -> None:
        """Leave it from now on to the thread that asks for this to write lines, and to the end of the process."""
        self._are_gathered = True
        atexit.register(self.write_gathered)

    def write_gathered(self) -> None:
        """Write the lines that have been taken by now."""
        together = b""
        while self._lines:
            line = self._lines.popleft()
            if together and len(together) + len(line) > PIPE_BUF:
                _write(together)
                together = b""
            together += line
        if together:
            _write(together)


LINES: Final = Lines()
"""Those of this process."""


def _write(lines: bytes) -> None:
    """Write beneath standard error's text, where lines are whole whoever else writes.

    Where nobody can take them, as on a full disk, they are lost: to log is not what requests are there for.
    """
    with suppress(OSError):
        sys.stderr.buffer.write(lines)
        sys.stderr.buffer.flush()


def configuration(settings: Settings) -> dict[str, Any]:
    """Return the ``logging.config.dictConfig`` that writes every logger's lines to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_fields(settings), structlog.stdlib.ExtraAdder()],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_renderers(settings),
                ],
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "structured",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": settings.log_level},
        "loggers": {
            # Gunicorn gives this one a handler of its own unless told otherwise.
            "gunicorn.error": {"handlers": [], "level": settings.log_level, "propagate": True},
            # One line a call, at INFO; what concerns a caller is in the service's own lines.
            "elastic_transport": {"level": "WARNING"},
        },
    }


def hand_on() -> None:
    """Have structlog's own loggers hand their lines to the standard library, unless somebody has decided otherwise."""
    if not structlog.is_configured():
        structlog.configure(
            processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
            wrapper_class=structlog.stdlib.BoundLogger,
            logger_factory=structlog.stdlib.LoggerFactory(),
        )


def configure(settings: Settings) -> None:
    """Have structlog's own loggers write the same lines to standard error, by way of `LINES`."""
    structlog.configure(
        processors=[*_fields(settings), *_renderers(settings), _as_bytes],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", LINES)),
        cache_logger_on_first_use=True,
    )


def _is_json(settings: Settings) -> bool:
    return settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())


def _fields(settings: Settings) -> list[structlog.typing.Processor]:
    """Return what gives every line its fields, but for those that `_with_ecs_names` gives it by itself."""
    fields: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
    ]
    if _is_json(settings):
        return fields
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="@timestamp")
    return [*fields, structlog.stdlib.add_log_level, stamp]


def _renderers(settings: Settings) -> list[structlog.typing.Processor]:
    if _is_json(settings):
        return [structlog.processors.format_exc_info, _with_ecs_names, _as_json]
    console = structlog.dev.ConsoleRenderer(timestamp_key="@timestamp", colors=sys.stderr.isatty())
    return [structlog.processors.format_exc_info, _printable, console]


def _printable(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape what a terminal would obey instead of showing it; traces keep their lines."""
    return {
        name: "\n".join(map(_escaped, value.split("\n"))) if name in MANY_LINES else _escaped(value)
        for name, value in event.items()
    }


def _escaped(value: Any) -> Any:
    """Return text with escapes in place of all that cannot be printed; what else there is, the renderer escapes."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in value)


def _with_ecs_names(_logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a line with the schema's names. What was given by these names takes the place of what there would be.

    It does at once what structlog has processors for, which take a third of the time of a line.
    """
    named = {
        "@timestamp": _now(),
        "log.level": method,
        "message": event.pop("event"),
        "log.logger": event.pop("logger"),
        "process.pid": os.getpid(),
    }
    if "exception" in event:
        named["error.stack_trace"] = event.pop("exception")
    named.update(event)
    return named


def _now() -> str:
    """Return the time in the schema's format. Python's own formatting takes twice as long."""
    seconds, nanoseconds = divmod(time.time_ns(), NANOSECONDS)
    return f"{_second(seconds)}.{nanoseconds // 1000:06d}Z"


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _as_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return encode(event, default=repr).decode()


def _as_bytes(_logger: Any, _method: str, line: Any) -> bytes:
    return str(line).encode()
