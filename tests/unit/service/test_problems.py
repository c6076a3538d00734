"""Every error that the web framework knows is answered in the service's one form."""

import json

import pytest
from werkzeug.exceptions import abort, default_exceptions

from service import create_app
from service.settings import Settings
from tests.fakes import InMemoryCounters


@pytest.mark.parametrize("status", default_exceptions)
def test_each_is_a_problem(status: int) -> None:
    """Whatever is raised within a request, and whoever raises it: a problem with that status, and no page."""
    app = create_app(Settings(), repository=InMemoryCounters())
    app.add_url_rule("/raises", view_func=lambda: abort(status))

    answer = app.test_client().get("/raises")

    assert (status, "application/problem+json") == (answer.status_code, answer.mimetype)
    assert answer.get_json().keys() >= {"type", "title", "status", "detail"}
    assert status == answer.get_json()["status"]


def test_it_is_printable_ascii_whatever_it_says() -> None:
    """As all JSON of the service: a terminal obeys nothing of it, and no encoding can spoil it."""
    app = create_app(Settings(), repository=InMemoryCounters())
    app.add_url_rule("/raises", view_func=lambda: abort(404, "ä\x7f\x9b31m"))

    answer = app.test_client().get("/raises")

    assert json.dumps(answer.json, separators=(",", ":")).encode() + b"\n" == answer.data
    assert "ä\x7f\x9b31m" == answer.get_json()["detail"]


def test_what_nobody_expected_is_one_too() -> None:
    """A bug is a 500 of the same form, which tells nothing of itself."""
    app = create_app(Settings(), repository=InMemoryCounters())

    def view() -> str:
        raise LookupError("secret")

    app.add_url_rule("/raises", view_func=view)
    answer = app.test_client().get("/raises")

    assert (500, "application/problem+json") == (answer.status_code, answer.mimetype)
    assert "secret" not in answer.text
