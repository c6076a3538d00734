"""The contract: openapi.yaml, made from the code, and a page to try it that needs no network."""

from functools import cache
from typing import Final

import yaml
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response
from flask_smorest import Api
from flask_swagger_ui import get_swaggerui_blueprint
from marshmallow import Schema
from werkzeug.exceptions import HTTPException

from service.api import problems

VERSION: Final = "1.0.0"
"""Of the HTTP contract, by semantic versioning; the package has a version of its own."""

DESCRIPTION: Final = """\
Increments counters in Elasticsearch from many clients at once, by three update strategies that differ in
what they promise. A counter is the same document whichever strategy touches it, its value a signed 64-bit integer.

Errors are problem details (RFC 9457). An increment that was not answered with 200 was not acknowledged: on status
503 its `outcome` says whether it is certain that nothing was applied, and only then may it be repeated.
"""

PATH: Final = "/openapi.yaml"
DOCS: Final = "/docs"


class ContractApi(Api):  # type: ignore[misc]  # flask-smorest has no type hints
    """A flask-smorest API whose errors are problems and whose description is served as YAML."""

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Answer every error of the web framework with a problem."""
        return problems.of_http_exception(error).as_response()

    def as_yaml(self) -> str:
        """Return the contract as YAML, in the order of the code."""
        return yaml.safe_dump(self.spec.to_dict(), sort_keys=False, allow_unicode=True, width=110)


def describe(app: Flask) -> ContractApi:
    """Return the API of ``app``, to register blueprints with."""
    return ContractApi(
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
        },
    )


def serve_contract(app: Flask, api: ContractApi) -> None:
    """Serve the contract at `PATH`, and at `DOCS` a page that shows it and sends requests."""
    as_yaml = cache(api.as_yaml)

    @app.get(PATH)
    def openapi() -> Response:
        return Response(as_yaml(), content_type="application/yaml")

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
