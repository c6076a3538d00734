"""Traces: the spans that a request leaves, the Elasticsearch client's own among them."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest
from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from localnode.processes import wait_until
from service import create_app
from service.settings import Settings
from tests.api import Api
from tests.conflicts import stale
from tests.proxy import Exchange, Proxy
from tests.starting import Start
from tests.tracing import Spans, id_of, parent_of, tracing_in_memory

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
CALLER: Final = f"00-{TRACE}-b7ad6b7169203331-01"
INCREMENT: Final = "POST /{}/<counter_id:counter_id>"


@pytest.fixture
def spans() -> Iterator[Spans]:
    """The spans of the test."""
    with tracing_in_memory() as spans:
        yield spans


@pytest.fixture
def traced(spans: Spans, settings: Settings, proxy: Proxy) -> FlaskClient:
    """A client of a service in this process that traces."""
    app = create_app(replace(settings, elasticsearch_url=(proxy.url,), traces=True))
    return app.test_client()


def test_each_call_to_elasticsearch_stands_under_its_request(
    traced: FlaskClient, spans: Spans, counter_id: str
) -> None:
    """One span for the request, and one under it for each call."""
    assert 200 == traced.post(f"/occ/{counter_id}").status_code

    request = spans.named(INCREMENT.format("occ"))
    assert ["get", "index", request.name] == spans.names()
    assert [id_of(request)] * 2 == [parent_of(spans.named(name)) for name in ("get", "index")]


def test_so_does_a_write_in_company(traced: FlaskClient, spans: Spans, counter_id: str) -> None:
    """The write is done in another thread, and stands under the request all the same."""
    assert 200 == traced.post(f"/batched/{counter_id}").status_code

    request, write = spans.named(INCREMENT.format("batched")), spans.named("group commit")
    assert id_of(request) == parent_of(write)
    assert id_of(write) == parent_of(spans.named("bulk"))


def test_attempts_are_events(traced: FlaskClient, spans: Spans, proxy: Proxy, counter_id: str) -> None:
    """Each attempt is an event of the request's, at the time when it began."""
    proxy.handle = stale(2)

    assert 200 == traced.post(f"/scripted/{counter_id}").status_code

    request = spans.named(INCREMENT.format("scripted"))
    events = [event for event in request.events if event.name == "attempt"]
    assert [1, 2, 3] == [(event.attributes or {})["counters.attempt"] for event in events]
    assert sorted(event.timestamp for event in events) == [event.timestamp for event in events]
    assert (request.attributes or {}).items() >= {
        "counters.strategy": "scripted",
        "counters.conflicts": 2,
    }.items()


def test_goes_on_with_the_callers_trace(traced: FlaskClient, spans: Spans, counter_id: str) -> None:
    """Who sends a ``traceparent`` finds the service in its own trace."""
    traced.post(f"/occ/{counter_id}", headers={"traceparent": CALLER})

    request = spans.named(INCREMENT.format("occ"))
    assert TRACE == f"{request.context.trace_id:032x}"
    assert 0xB7AD6B7169203331 == parent_of(request)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/metrics?name[]=up"])
def test_machines_that_look_leave_nothing(traced: FlaskClient, spans: Spans, path: str) -> None:
    """What is asked for every few seconds is no request of anybody's, and neither is what it asks Elasticsearch."""
    assert 200 == traced.get(path).status_code

    assert [] == spans.names()


@pytest.mark.parametrize("name", ["metrics", "healthz.views", "readyz"])
def test_a_counter_may_be_called_as_they_are(
    traced: FlaskClient, spans: Spans, counter_id: str, name: str
) -> None:
    """It is their whole path that leaves nothing, and not a word in another one, in its query, or in a host."""
    assert 404 == traced.get(f"/counters/{name}", headers={"Host": f"{counter_id}.metrics"}).status_code
    assert 200 == traced.get(f"/counters?prefix={name}").status_code

    of_requests = [span.name for span in spans.all() if parent_of(span) is None]
    assert ["GET /counters/<counter_id:counter_id>", "GET /counters"] == of_requests


class Collector:
    """Takes spans as OTLP over HTTP.

    Attributes:
        spans: What has come, by the name of each.
        services: The names of those that it came from.
    """

    def __init__(self) -> None:
        self.spans: dict[str, Any] = {}
        self.services: set[str] = set()

    def take(self, body: bytes) -> None:
        """Take what somebody sends."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = [
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            ]
            self.services.update(names)
            self.spans |= {span.name: span for scope in resource.scope_spans for span in scope.spans}


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    """A collector, and where it listens."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield collector, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_sends_them_to_where_the_environment_says(
    start: Start, proxy: Proxy, collector: tuple[Collector, str], counter_id: str
) -> None:
    """Behind real gunicorn, from its workers; the log names the trace that was sent.

    What a worker asks Elasticsearch for when it starts, to see whether it is ready and to sweep, is not among them.
    """
    received, url = collector
    swept = threading.Event()

    def handle(exchange: Exchange) -> None:
        exchange.forward()
        if exchange.path.endswith("/_delete_by_query"):
            swept.set()

    proxy.handle = handle
    service = start(
        {
            "WORKERS": "1",
            "TRACES": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "LOG_FORMAT": "json",
        }
    )
    assert swept.wait(timeout=60.0)
    with Api(service.url) as api:
        assert 200 == api.post(f"/batched/{counter_id}").status_code

    name = INCREMENT.format("batched")
    assert wait_until(lambda: {name, "group commit", "bulk"} <= received.spans.keys(), timeout=60.0)
    assert {name, "group commit", "bulk"} == received.spans.keys()
    assert {"es-counters"} == received.services
    assert received.spans[name].span_id == received.spans["group commit"].parent_span_id
    told = f'"trace.id":"{received.spans[name].trace_id.hex()}"'
    assert wait_until(lambda: told in service.log.read_text(), timeout=60.0)
