"""openapi.yaml, the contract as people and tools read it."""

from collections import Counter

import pytest
import yaml
from flask import Flask
from openapi_spec_validator import validate

from service import create_app
from service.settings import Settings
from service.strategies import STRATEGIES
from tests.openapi import COMMITTED, document, operations

NOT_DESCRIBED = {"/openapi.yaml", "/docs", "/docs/", "/docs/<path:path>", "/", "/web/<name>", "/metrics"}
"""The contract itself, the pages for people, and what is in Prometheus' own format."""


@pytest.fixture(scope="module")
def app() -> Flask:
    """The service, which needs nothing to describe itself."""
    return create_app(Settings())


def test_is_what_the_code_says(app: Flask) -> None:
    """The committed contract is the one that the service serves: ``python -m service openapi`` prints it."""
    served = app.test_client().get("/openapi.yaml")

    assert "application/yaml" == served.content_type
    assert COMMITTED.read_text("utf-8") == served.text


def test_is_valid() -> None:
    """The contract is OpenAPI 3.1."""
    contract = document()

    assert "3.1.0" == contract["openapi"]
    validate(contract)


def test_describes_every_route(app: Flask) -> None:
    """Each route and method of the service is an operation of the contract, and the other way round."""
    routes = {
        f"{method} {rule.rule.replace('<counter_id:', '{').replace('>', '}')}"
        for rule in app.url_map.iter_rules()
        if rule.rule not in NOT_DESCRIBED
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == set(operations())


def test_names_every_operation_once() -> None:
    """Each operation has an id of its own, which generated clients turn into a function's name."""
    ids = Counter(operation["operationId"] for operation in operations().values())

    assert {1} == set(ids.values())
    assert all(name.isidentifier() for name in ids)


def test_explains_every_operation() -> None:
    """Each operation, tag and answer says in words what it is."""
    contract = document()
    told = [*operations().values(), *contract["tags"], *contract["components"]["responses"].values()]

    assert [] == [part for part in told if not part.get("description")]
    assert [] == [operation for operation in operations().values() if not operation.get("summary")]


def test_warns_of_lost_updates() -> None:
    """Whoever reads of the naive strategy reads that it loses updates, and of the others that they do not."""
    told = {name: operations()[f"POST /{name}/{{counter_id}}"]["description"] for name in STRATEGIES}
    verbs = {name: "Allows" if name == "naive" else "Prevents" for name in STRATEGIES}

    assert dict.fromkeys(STRATEGIES, True) == {
        name: f"{verbs[name]} the *lost update*" in " ".join(text.split()) for name, text in told.items()
    }
    assert "nothing that has to be counted should use it" in told["naive"]


def test_has_no_unused_components() -> None:
    """Everything among the components is referred to."""
    contract = document()
    text = COMMITTED.read_text("utf-8")
    schemes = contract["components"].pop("securitySchemes")
    names = [
        f"#/components/{kind}/{name}" for kind, parts in contract["components"].items() for name in parts
    ]

    assert [] == [name for name in names if f"$ref: '{name}'" not in text]
    # These are referred to by their bare names.
    assert set(schemes) == {
        name for operation in operations().values() for way in operation.get("security", []) for name in way
    }


def test_says_which_scope_an_operation_takes() -> None:
    """Every operation but those on health takes no token or one with the scope of its method, and may refuse it."""
    scopes = {"GET": "read", "POST": "increment", "PUT": "admin", "DELETE": "admin"}
    taken = {
        name: (operation.get("security"), {"401", "403"} <= operation["responses"].keys())
        for name, operation in operations().items()
    }

    assert {
        name: (None, False)
        if name in {"GET /healthz", "GET /readyz"}
        else ([{}, {"bearer": [scopes[name.partition(" ")[0]]]}], True)
        for name in operations()
    } == taken


def test_describes_problems_as_problems() -> None:
    """Every answer of 4xx or 5xx, and the catch-all, is a problem."""
    responses = document()["components"]["responses"]
    names = {
        response["$ref"].rpartition("/")[2]
        for operation in operations().values()
        for status, response in operation["responses"].items()
        if not status.startswith(("2", "3"))
    }

    assert set(responses) == names
    assert {("application/problem+json",)} == {tuple(response["content"]) for response in responses.values()}


def test_tells_of_the_request_id_in_every_answer() -> None:
    """Every answer has the header X-Request-Id."""
    answers = list(document()["components"]["responses"].values())
    for operation in operations().values():
        answers += [answer for answer in operation["responses"].values() if "$ref" not in answer]

    assert [] == [answer for answer in answers if "X-Request-Id" not in answer["headers"]]


def test_reads_from_top_to_bottom() -> None:
    """The contract begins with what it is, and long texts are blocks that nobody has to unquote."""
    text = COMMITTED.read_text("utf-8")

    assert ["openapi", "info", "tags", "paths", "components"] == list(yaml.safe_load(text))
    assert max(len(line) for line in text.splitlines()) <= 130
    assert "\\n" not in text
