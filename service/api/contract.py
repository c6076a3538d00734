"""The contract: openapi.yaml, made from the code, and a page to try it that needs no network."""

from functools import cache
from typing import Final

from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response
from flask_smorest import Api
from flask_swagger_ui import get_swaggerui_blueprint
from marshmallow import Schema
from werkzeug.exceptions import HTTPException

from service.api import problems, scopes
from service.api.components import HEADERS, LINKS, PARAMETERS
from service.api.layout import as_yaml
from service.api.rejections import OTHER, REJECTIONS, problem
from service.api.requests import CounterIdConverter
from service.api.schemas import ID_SCHEMA

VERSION: Final = "1.0.0"
"""Of the HTTP contract, by semantic versioning; the package has a version of its own."""

DESCRIPTION: Final = """\
Increments counters in Elasticsearch from many clients at once, by update strategies that differ in what they
promise. A counter is the same document whichever strategy touches it, its value a signed 64-bit integer.

**Errors** are problem details (RFC 9457), whose types `docs/problems.md` explains. An increment that was not
answered with 200 was not acknowledged. Its `outcome`, if it has one, says whether it is certain that this request
changed nothing; only then may it be repeated, unless it bore an `Idempotency-Key`, with which it always may. No refusal
of a repetition settles what became of an earlier request under the same key: only a 200 does.

**Versions.** A single counter's answer carries an `ETag`, unless its value is not the one that stands there. Sent back
in `If-Match`, it makes a write conditional: if somebody else has written in between, the answer is a 412 with the
required and the current version.

**Strictness.** Bodies are parsed strictly: a key that stands twice, `NaN` or an unknown field is refused, not
guessed at. So is a query where a counter's operation reads none, and an unknown or repeated parameter in one.

**Access.** Where the service has been told tokens, every call takes one with the scope that stands at the call; those
that ask for its health do not. A token can be confined to ids that begin with a prefix.

**Time.** A request is answered within a limit of the service's own, which counts from its first byte and which an
`X-Request-Timeout` shortens. Nothing is begun after it; what was under way is told as `unknown`.

**Tracing.** A request may carry an `X-Request-Id`; its answer does, and so do its lines in the service's log.
"""

PATH: Final = "/openapi.yaml"
DOCS: Final = "/docs"


class ContractApi(Api):  # type: ignore[misc]  # flask-smorest has no type hints
    """A flask-smorest API whose errors are problems, in fact and in its description."""

    DEFAULT_ERROR_RESPONSE_NAME = OTHER

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Answer every error of the web framework with a problem."""
        return problems.of_http_exception(error).as_response()

    def _register_responses(self) -> None:
        """Register the service's own problems in place of flask-smorest's errors."""
        components = self.spec.components
        components.security_scheme(scopes.BEARER, scopes.SCHEME)
        for name, parameter in PARAMETERS.items():
            components.parameter(name, "header", parameter, lazy=True)
        for name, header in HEADERS.items():
            components.header(name, header, lazy=True)
        for name, link in LINKS.items():
            components.link(name, link, lazy=True)
        for status, (name, description) in REJECTIONS.items():
            components.response(name, problem(status, description), lazy=True)
        components.response(OTHER, problem(None, "Any other problem, such as 405 or 500."), lazy=True)

    def _register_etag_headers(self) -> None:
        """Register none: those of flask-smorest belong to its own idea of conditional requests."""

    def _register_pagination_header(self) -> None:
        """Register none: a page of counters says itself where the next is."""


def describe(app: Flask) -> ContractApi:
    """Return the API of ``app``, to register blueprints with."""
    api = ContractApi(
        app,
        spec_kwargs={
            "title": "Counters in Elasticsearch",
            "version": VERSION,
            "openapi_version": "3.1.0",
            "info": {
                "description": DESCRIPTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_schema_name),
            "extra_plugins": [scopes.ScopesPlugin()],
        },
    )
    api.register_converter(CounterIdConverter, lambda _converter: ID_SCHEMA)
    return api


def serve_contract(app: Flask, api: ContractApi) -> None:
    """Serve the contract at `PATH`, and at `DOCS` a page that shows it and sends requests."""

    @cache
    def contract() -> str:
        return as_yaml(api.spec.to_dict())

    @app.get(PATH)
    def openapi() -> Response:
        return Response(contract(), content_type="application/yaml")

    swagger_ui = get_swaggerui_blueprint(
        DOCS,
        PATH,
        config={"app_name": "Counters in Elasticsearch", "layout": "BaseLayout", "validatorUrl": "none"},
    )
    app.register_blueprint(swagger_ui)
    # The same page without the redirect to a trailing slash.
    app.add_url_rule(DOCS, "docs", app.view_functions["swagger_ui.show"])


def _schema_name(schema: Schema | type[Schema]) -> str:
    """Return the name of a schema in the contract: the class's own, without its suffix."""
    schema_class = schema if isinstance(schema, type) else type(schema)
    return schema_class.__name__.removesuffix("Schema")
