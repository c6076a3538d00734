"""Spans, kept in memory for the tests to look at."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Spans:
    """The spans that have ended since the test began."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def all(self) -> list[ReadableSpan]:
        """Return them in the order in which they ended."""
        return [*self._exporter.get_finished_spans()]

    def names(self) -> list[str]:
        """Return what they are called, likewise."""
        return [span.name for span in self.all()]

    def named(self, name: str) -> ReadableSpan:
        """Return the only one of this name."""
        [span] = [span for span in self.all() if span.name == name]
        return span


@cache
def _exporter() -> InMemorySpanExporter:
    """Keep all spans of this process from now on: OpenTelemetry lets that be said once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@contextmanager
def tracing_in_memory() -> Iterator[Spans]:
    """Have the applications that are made meanwhile traced if they are told so; then none is any more."""
    exporter = _exporter()
    exporter.clear()
    with pytest.MonkeyPatch.context() as monkeypatch:
        # As in a process of its own, in which nobody has begun.
        monkeypatch.setattr("service.tracing._tracer", None)
        yield Spans(exporter)


def id_of(span: ReadableSpan) -> int:
    """Return a span's own number."""
    context = span.get_span_context()
    assert context is not None
    return context.span_id


def parent_of(span: ReadableSpan) -> int | None:
    """Return the number of the span that it stands under."""
    return span.parent.span_id if span.parent else None


def linked_from(span: ReadableSpan) -> list[int]:
    """Return the numbers of the spans that its links lead to."""
    return [link.context.span_id for link in span.links]
