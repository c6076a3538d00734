"""How log lines look: JSON with the Elastic Common Schema's field names, or text for people at a terminal.

The service logs through the standard library and leaves the configuration to whoever starts it; gunicorn.conf.py
uses `configuration`. The line of each request alone goes past the standard library, on which it would spend most of its
time, through a logger of structlog's own, which `configure` sets up.

Source: https://www.elastic.co/docs/reference/ecs/ecs-field-reference and
https://www.structlog.org/en/stable/performance.html
"""

import json
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from service.settings import Settings

FIELDS: Final = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="@timestamp"),
)
"""What stands in every line."""

ENCODER: Final = json.JSONEncoder(default=repr)


def configuration(settings: Settings) -> dict[str, Any]:
    """Return the ``logging.config.dictConfig`` that writes every logger's lines to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*FIELDS, structlog.stdlib.ExtraAdder()],
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
    """Have structlog's own loggers write the same lines to standard error.

    They write beneath its text, where lines are whole whoever else writes.
    """
    structlog.configure(
        processors=[*FIELDS, *_renderers(settings), _as_bytes],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def _renderers(settings: Settings) -> list[structlog.typing.Processor]:
    if settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty()):
        return [structlog.processors.format_exc_info, _ecs_names, _as_json]
    return [structlog.dev.ConsoleRenderer(timestamp_key="@timestamp", colors=sys.stderr.isatty())]


def _ecs_names(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Rename structlog's own fields; those of the service are named by the schema already."""
    named = {"@timestamp": event.pop("@timestamp"), "log.level": event.pop("level")}
    named["message"] = event.pop("event")
    named["log.logger"] = event.pop("logger")
    if "exception" in event:
        named["error.stack_trace"] = event.pop("exception")
    return {**named, **event}


def _as_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """Return the line, as structlog's own renderer would with a new encoder each time."""
    return ENCODER.encode(event)


def _as_bytes(_logger: Any, _method: str, line: Any) -> bytes:
    return str(line).encode()
