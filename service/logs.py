"""How log lines look: JSON with the Elastic Common Schema's field names, or text for people at a terminal.

The service logs through the standard library and leaves the configuration to whoever starts it; gunicorn.conf.py
uses `configuration`.

Source: https://www.elastic.co/docs/reference/ecs/ecs-field-reference
"""

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from service.settings import Settings


def configuration(settings: Settings) -> dict[str, Any]:
    """Return the ``logging.config.dictConfig`` that writes every logger's lines to standard error."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [
                    structlog.contextvars.merge_contextvars,
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.ExtraAdder(),
                    structlog.processors.TimeStamper(fmt="iso", utc=True, key="@timestamp"),
                ],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *(_json_renderers() if as_json else _text_renderers()),
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


def _json_renderers() -> list[structlog.typing.Processor]:
    return [structlog.processors.format_exc_info, _ecs_names, structlog.processors.JSONRenderer()]


def _text_renderers() -> list[structlog.typing.Processor]:
    return [structlog.dev.ConsoleRenderer(timestamp_key="@timestamp", colors=sys.stderr.isatty())]


def _ecs_names(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Rename structlog's own fields; those of the service are named by the schema already."""
    named = {"@timestamp": event.pop("@timestamp"), "log.level": event.pop("level")}
    named["message"] = event.pop("event")
    named["log.logger"] = event.pop("logger")
    if "exception" in event:
        named["error.stack_trace"] = event.pop("exception")
    return {**named, **event}
