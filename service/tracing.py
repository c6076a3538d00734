"""Traces by OpenTelemetry: where the time of a request goes, across processes. Off unless a setting says otherwise.

Each request is a span, whose parent is its caller's where a ``traceparent`` came along; each call to Elasticsearch is a
span under it, made by the Elasticsearch client itself; attempts are events of the request's. OpenTelemetry's own
variables (OTEL_*) say where the spans go. All that it takes is an extra, and imported only where tracing begins.

A write of /batched belongs to several requests, and a span has one parent. It stands under the one that waits longest;
links lead from it to the others, and from each of them to it.

Source: https://opentelemetry.io/docs/concepts/signals/traces/#span-links and https://www.w3.org/TR/trace-context/
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Context
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from service.effort import Effort

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

NAME: Final = "es-counters"
"""What the service is called in traces, unless OTEL_SERVICE_NAME says otherwise."""

UNTRACED: Final = r"^[^/]*//[^/]+/(healthz|readyz|metrics)(\?|$)"
"""The URLs that machines ask for every few seconds: OpenTelemetry searches each URL for it, the host included."""

CALLS: Final = "OTEL_PYTHON_INSTRUMENTATION_ELASTICSEARCH_ENABLED"
"""The variable by which the Elasticsearch client makes spans, "true" unless it is set."""

TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_tracer: "Tracer | None" = None


@contextmanager
def without_calls() -> Iterator[None]:
    """Let a client of Elasticsearch that is made within make no spans: where the extra is there, it would, for nobody.

    It takes a variable for it and nothing else, and looks at it as it is made, also where it is made of another one by
    ``options()``. What the process goes on to start is not to find it.
    """
    before = os.environ.get(CALLS)
    os.environ[CALLS] = "false"
    try:
        yield
    finally:
        del os.environ[CALLS]
        if before is not None:
            os.environ[CALLS] = before


def is_installed() -> bool:
    """Say whether the extra is there."""
    try:
        return find_spec("opentelemetry.instrumentation.flask") is not None
    except ImportError:
        return False


def begin(app: Any) -> None:
    """Trace the requests of a Flask application from now on.

    To be called after the fork, for it starts a thread, and before ``app`` is told of anything else that is to be done
    before a request. Where somebody has said already where the spans of this process go, they go there.
    """
    global _tracer  # noqa: PLW0603 - OpenTelemetry's own provider is the process's, too
    from opentelemetry import trace  # noqa: PLC0415 - an extra
    from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: PLC0415 - an extra

    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(_exporting())
    _tracer = trace.get_tracer(NAME)
    FlaskInstrumentor.instrument_app(  # type: ignore[no-untyped-call]  # untyped there
        app, excluded_urls=UNTRACED, enable_commenter=False
    )


def _exporting() -> "TracerProvider":
    """Return a provider that sends spans as OTLP over HTTP, many at once and in a thread of its own."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra

    name = os.environ.get("OTEL_SERVICE_NAME", NAME)
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def trace_id(traceparent: str | None) -> str | None:
    """Return the trace that the request at hand belongs to, as 32 hexadecimal digits; None if to none.

    Args:
        traceparent: What its caller says of that; it holds even where nothing is traced here.
    """
    if _tracer:
        from opentelemetry import trace  # noqa: PLC0415 - an extra

        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            return trace.format_trace_id(context.trace_id)
    match = TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return match[1] if match else None


def tell(strategy: str, effort: Effort) -> None:
    """Put what the request at hand has taken into its span."""
    if _tracer is None:
        return
    from opentelemetry import trace  # noqa: PLC0415 - an extra

    span = trace.get_current_span()
    if strategy:
        span.set_attribute("counters.strategy", strategy)
        span.set_attribute("counters.conflicts", effort.conflicts)
    for number, began in effort.attempts:
        span.add_event("attempt", {"counters.attempt": number}, timestamp=began)


def together(others: Sequence[Context]) -> AbstractContextManager[object]:
    """Surround a write that is done for the request at hand, and for those whose contexts are given."""
    return nullcontext() if _tracer is None else _together(_tracer, others)


@contextmanager
def _together(tracer: "Tracer", others: Sequence[Context]) -> Iterator[None]:
    from opentelemetry import trace  # noqa: PLC0415 - an extra

    spans = [context.run(trace.get_current_span) for context in others]
    links = [trace.Link(span.get_span_context()) for span in spans]
    with tracer.start_as_current_span("group commit", links=links) as write:
        for span in spans:
            # Who has waited in vain has left: its span has ended.
            if span.is_recording():
                span.add_link(write.get_span_context())
        yield
