"""The one place where the service is put together."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

from service import effort, logs, metrics, tracing
from service.api.asked import Asked
from service.api.contract import describe, serve_contract
from service.api.counters import counters_blueprint
from service.api.health import health_blueprint
from service.api.idempotency import Keys, is_repeatable
from service.api.increments import increments_blueprint
from service.api.metrics import serve_metrics
from service.api.problems import of_counter_error
from service.api.requests import surround
from service.api.web import web_blueprint
from service.errors import CounterError
from service.settings import Settings
from service.storage.client import connect
from service.storage.protocol import CounterRepository
from service.storage.repository import ElasticsearchCounters
from service.strategies import STRATEGIES, Strategy

MAX_BODY = 256 * 1024
"""Bytes of a request body: enough for the longest list of increments with the longest ids."""


class NoSessions(SessionInterface):
    """What there is in place of sessions: the same empty one for all requests, where Flask makes one for each."""

    def __init__(self) -> None:
        self._none = NullSession()

    def open_session(self, _app: Flask, _request: Request) -> NullSession:
        """Return the one that takes nothing."""
        return self._none


class Service(Flask):
    """An application that does without what it has no use for: coroutines, sessions, a name of its own.

    Its requests keep what is known of them.
    """

    request_class = Asked
    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is; Flask would look at it whenever it calls it, a dozen times a request."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the view of a request, by its path alone: the service has no name of its own.

        Flask would take the name and the port apart by which the request has come, for URLs that nobody builds.
        """
        if request is None:
            return super().create_url_adapter(None)
        return self.url_map.bind("localhost", path_info=request.path, default_method=request.method)


def create_app(
    settings: Settings | None = None,
    *,
    repository: CounterRepository | None = None,
    strategies: Mapping[str, Strategy[Any]] = STRATEGIES,
) -> Flask:
    """Return the service as a WSGI application. It opens no connection before the first request.

    Args:
        settings: Read from the environment if left out.
        repository: Where the counters are kept; Elasticsearch, as the settings say, if left out.
        strategies: The ways to increment one, by the path that each is served at; the service's own if left out.
    """
    settings = settings or Settings.from_env()
    retries = settings.retries
    repository, probed = _in_elasticsearch(settings) if repository is None else (repository, repository)
    keys = Keys(settings.idempotency_log_size)

    logs.hand_on()
    app = Service(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    # A path with two slashes is another path, not a reason to redirect a POST.
    app.url_map.merge_slashes = False

    if settings.traces:
        tracing.begin(app)
    metrics.prepare(strategies)
    surround(app, tokens=settings.access_tokens, timeout=settings.request_timeout, strategies=strategies)
    app.register_error_handler(CounterError, _answer)
    api = describe(app)
    for name, strategy in strategies.items():
        storage = strategy.storage(repository)
        api.register_blueprint(increments_blueprint(name, strategy, storage, retries, keys))
    api.register_blueprint(counters_blueprint(repository, retries))
    api.register_blueprint(health_blueprint(probed))
    serve_contract(app, api)
    serve_metrics(app)
    if settings.web_enabled:
        app.register_blueprint(web_blueprint(strategies, token_needed=bool(settings.access_tokens)))
    return app


def _in_elasticsearch(settings: Settings) -> tuple[CounterRepository, CounterRepository]:
    """Return the counters as requests reach them, and as probes do: these leave no span, and share the connections."""
    with tracing.without_calls():
        client = connect(settings)
    probed = ElasticsearchCounters.of(client, settings)
    return ElasticsearchCounters.of(client.options(), settings) if settings.traces else probed, probed


def _answer(error: CounterError) -> Response:
    effort.came_to([error])
    return of_counter_error(error, repeatable=is_repeatable()).as_response()
