"""The verdict in Locust's web UI: a tab of its own, and two downloads.

Locust's documented way: tables described in the page's template arguments, whose rows travel with the
statistics that the page polls. https://docs.locust.io/en/stable/extending-locust.html#extending-web-ui
"""

import json
from collections.abc import Callable

from flask import Blueprint, Flask, Response, make_response, request
from locust.web import WebUI

from loadtests.page import render
from loadtests.report import COLUMNS, Report, as_json, cells
from loadtests.verdict import Observation, judge

KEY = "verdict"
NO_VERDICT = "There is no verdict yet: start a run, and wait until it's over.\n"


def add_verdict(
    web_ui: WebUI,
    app: Flask,
    *,
    base_path: str,
    under_way: Callable[[], tuple[Observation, ...]],
    last: Callable[[], Report | None],
) -> None:
    """Add the tab.

    Args:
        web_ui: Locust's.
        app: the Flask application in it.
        base_path: what its addresses begin with (``--web-base-path``), or nothing.
        under_way: gives what has been seen of the run under way, or nothing.
        last: gives the last finished run's report, if there is one.
    """
    web_ui.template_args["extended_tabs"] = [{"title": "Verdict", "key": KEY}]
    web_ui.template_args["extended_tables"] = [
        {"key": KEY, "structure": [{"key": f"c{n}", "title": title} for n, title in enumerate(COLUMNS)]}
    ]
    web_ui.template_args["extended_csv_files"] = [
        {"href": "./verdict.json", "title": "Download the verdict as JSON"},
        {"href": "./verdict.html", "title": "Show the verdict with its plot"},
    ]
    pages = Blueprint("verdict", __name__, url_prefix=base_path or None)

    def verdict_json() -> Response:
        report = last()
        return _answer(as_json(report), "application/json") if report else make_response(NO_VERDICT, 404)

    def verdict_html() -> Response:
        report = last()
        page = render(report, links={"The verdict as JSON": "./verdict.json"}) if report else None
        return _answer(page, "text/html") if page else make_response(NO_VERDICT, 404)

    def add_rows(response: Response) -> Response:
        """Let the rows travel with the statistics, which Locust caches: add them to each answer anew."""
        if request.path == f"{base_path}/stats/requests" and response.is_json:
            statistics = response.get_json()
            statistics["extended_stats"] = [{"key": KEY, "data": rows(under_way(), last())}]
            response.set_data(json.dumps(statistics))
        return response

    for view, address in ((verdict_json, "/verdict.json"), (verdict_html, "/verdict.html")):
        guarded = web_ui.auth_required_if_enabled(view)  # type: ignore[no-untyped-call]  # untyped in Locust
        pages.add_url_rule(address, view_func=guarded)
    app.register_blueprint(pages)
    app.after_request(add_rows)


def rows(under_way: tuple[Observation, ...], last: Report | None) -> list[dict[str, str]]:
    """The tab's rows: the run under way, else the last one."""
    if under_way:
        lines = [(*cells(judge(seen))[:-1], "under way") for seen in under_way]
    elif last is None:
        lines = []
    else:
        overall = last.problem or ("holds" if last.holds else "does not hold")
        lines = [*map(cells, last.verdicts), ("overall", *[""] * (len(COLUMNS) - 2), overall)]
    return [{"name": line[0], **{f"c{n}": cell for n, cell in enumerate(line)}} for line in lines]


def _answer(body: str, kind: str) -> Response:
    response = make_response(body)
    response.mimetype = kind
    return response
