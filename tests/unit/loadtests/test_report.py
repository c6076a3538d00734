"""Reports: the same verdict for a terminal, a program and a browser."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from loadtests.linearizability import Answer, Finding
from loadtests.page import WIDTH, bars, render
from loadtests.plan import Plan
from loadtests.report import Report, as_document, as_json, as_text, closing, sentence
from loadtests.verdict import judge
from tests.unit.loadtests.histories import told
from tests.unit.loadtests.observations import observed

README = Path(__file__).parents[3] / "loadtests" / "README.md"
FINISHED = datetime(2026, 7, 1, 12, 0, 7, tzinfo=UTC)


def report(*seen: Any, problem: str | None = None, host: str = "http://service") -> Report:
    """A finished run of what was seen."""
    plan = Plan(
        host=host,
        strategies=tuple(observation.strategy for observation in seen),
        users=2,
        increments=5,
        run="0a1b",
        started=datetime(2026, 7, 1, 12, tzinfo=UTC),
    )
    return Report(plan=plan, verdicts=tuple(map(judge, seen)), finished=FINISHED, problem=problem)


TWO_TOLD_THE_SAME = Finding(
    answer=Answer.NOT_LINEARIZABLE, reason="two were answered 1", witness=(told(1, 0, 10), told(1, 5, 15))
)
TOO_LONG = Finding(answer=Answer.NOT_CHECKED, reason="it is too long")
GOOD = report(observed("naive", stored=4, order=TWO_TOLD_THE_SAME), observed("occ", keyed=True, resolved=3))
BAD = report(observed("occ", stored=9), observed("scripted", stored=None, p99=None, order=None))
OUT_OF_ORDER = report(observed("occ", order=TWO_TOLD_THE_SAME))
UNKNOWN = report(observed(acknowledged=8, acknowledged_amount=8, unknown=2, unknown_amount=2, stored=9))
NOT_BEGUN = report(problem="PUT http://service/counters/load-0a1b-occ: Connection refused")


@pytest.mark.parametrize(
    ("run", "holds"),
    [
        (GOOD, True),
        (BAD, False),
        (OUT_OF_ORDER, False),
        (UNKNOWN, True),
        (NOT_BEGUN, False),
        (report(), False),
        (report(observed(), problem="the run was stopped before its end"), False),
    ],
)
def test_the_overall_verdict(run: Report, holds: bool) -> None:  # noqa: FBT001 - a table's column
    """A run holds if it came to its end with at least one verdict, and all of them hold."""
    assert holds == run.holds


def test_the_table() -> None:
    """The terminal gets a row and a sentence a strategy, and the overall verdict."""
    assert (
        "strategy  users  requested  acknowledged  failed  unknown  resolved  stored  lost  doubled  conflicts  req/s"
        "  p50 ms  p95 ms  p99 ms  linearizable  verdict\n"
        "--------  -----  ---------  ------------  ------  -------  --------  ------  ----  -------  ---------  -----"
        "  ------  ------  ------  ------------  -------\n"
        "/naive        2         10            10       0        0         -       4     6        0          3      2"
        "       3      20      45            no  loses\n"
        "/occ          2         10            10       0        0         3      10     0        0          3      2"
        "       3      20      45           yes  holds\n"
        "\n"
        "/naive lost 60%, as it may: 10 acknowledged, 4 stored; not linearizable: two were answered 1.\n"
        "/occ holds: 10 acknowledged (3 of 10 resolved by replay), 10 stored, linearizable.\n"
        "Verdict: holds. Every request is accounted for, and every promise was kept."
    ) == as_text(GOOD)


def test_a_run_that_could_not_begin_has_no_table() -> None:
    """What kept it from beginning is all there is to say."""
    assert closing(NOT_BEGUN) == as_text(NOT_BEGUN)
    assert "No verdict: PUT http" in as_text(NOT_BEGUN)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (BAD, "/occ does not hold: 9 is stored, 1 less than the 10 acknowledged."),
        (OUT_OF_ORDER, "/occ does not hold: it is not linearizable: two were answered 1."),
        (UNKNOWN, "/occ holds: 8 acknowledged, 2 unknown, 9 stored, linearizable."),
        (
            report(observed(order=TOO_LONG)),
            "/occ holds: 10 acknowledged, 10 stored; not checked: it is too long.",
        ),
        (report(observed(order=None)), "/occ holds: 10 acknowledged, 10 stored."),
        (
            report(observed("naive")),
            "/naive lost nothing this time, though it may: 10 acknowledged, 10 stored, linearizable.",
        ),
    ],
)
def test_sentences(run: Report, words: str) -> None:
    """A sentence says what was found, and in which case it is no more than luck."""
    assert words == sentence(run.verdicts[0])


def test_failing_strategies_are_named() -> None:
    """The overall verdict says which strategies to look at."""
    assert closing(BAD) == "Verdict: does not hold (/occ, /scripted)."


def test_the_document() -> None:
    """A program finds everything in verdict.json, with null for what isn't known."""
    document = json.loads(as_json(BAD))

    assert (False, None, 1) == (document["holds"], document["problem"], document["schema_version"])
    assert ("0a1b", "load-0a1b-occ") == (document["run"], document["strategies"][0]["counter"])
    assert (9, 1, 0) == tuple(document["strategies"][0][key] for key in ("stored", "lost", "doubled"))
    assert (None, None) == (
        document["strategies"][1]["stored"],
        document["strategies"][1]["latency_ms"]["p99"],
    )
    assert document["finished_at"] == "2026-07-01T12:00:07.000+00:00"


def test_the_documents_witness() -> None:
    """A program finds what was decided about the order, and the increments that contradict it."""
    document = json.loads(as_json(OUT_OF_ORDER))

    linearizability = document["strategies"][0]["linearizability"]
    assert ("not linearizable", "two were answered 1") == (
        linearizability["answer"],
        linearizability["reason"],
    )
    assert [(1, 0, 10_000_000), (1, 5_000_000, 15_000_000)] == [
        (line["value"], line["start"], line["end"]) for line in linearizability["witness"]
    ]
    assert None is json.loads(as_json(BAD))["strategies"][1]["linearizability"]


def test_the_readme_describes_every_field() -> None:
    """Each field of verdict.json is in the README's table."""
    described = set(re.findall(r"`([a-z_0-9]+)`", README.read_text()))
    document = as_document(GOOD)
    strategy = document["strategies"][0]
    finding = strategy["linearizability"]
    fields = {*document, *strategy, *strategy["latency_ms"], *finding, *finding["witness"][0]}

    assert set() == fields - described


@pytest.mark.parametrize("run", [GOOD, BAD, OUT_OF_ORDER, UNKNOWN, NOT_BEGUN])
def test_the_page_needs_nothing_else(run: Report) -> None:
    """The page is one file: no script, and no address but the links it was given."""
    page = render(run, links={"JSON": "verdict.json"})

    assert ["verdict.json"] == re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')>]+)""", page)
    assert "<script" not in page
    assert closing(run) in page


def test_the_plot_is_readable_without_seeing_it() -> None:
    """The plot is an image with a title and a description that hold what it shows."""
    (svg,) = re.findall(r"<svg.*</svg>", render(UNKNOWN, links={}), flags=re.DOTALL)
    plot = ET.fromstring(svg)  # noqa: S314 - rendered just now

    assert plot.get("role") == "img"
    assert "occ: 8 acknowledged, 2 unknown, 9 stored, holds." in (plot.findtext("desc") or "")


def test_what_came_from_outside_is_escaped() -> None:
    """An address or a problem with markup in it is shown, not obeyed."""
    page = render(report(problem="<b>", host="http://<script>"), links={})

    assert ("<b>" in page, "<script>" in page) == (False, False)


def test_bars_share_a_scale() -> None:
    """The longest bar fills the width, all others are in proportion, and what isn't there has no length."""
    lengths = [
        (bar.expected_length, bar.unknown_length, bar.stored_length)
        for run in (GOOD, UNKNOWN, BAD, report(observed(stored=-2)), report(observed(stored=20)))
        for bar in bars(run.verdicts)
    ]

    assert [
        (WIDTH, 0, WIDTH * 0.4),
        (WIDTH, 0, WIDTH),
        (WIDTH * 0.8, WIDTH * 0.2, WIDTH * 0.9),
        (WIDTH, 0, WIDTH * 0.9),
        (WIDTH, 0, 0),
        (WIDTH, 0, 0),
        (WIDTH * 0.5, 0, WIDTH),
    ] == lengths
    assert () == bars(())


def test_tones() -> None:
    """A promise kept, a loss that was to be expected and a broken promise look different."""
    assert [["so-so", "good"], ["bad", "bad"]] == [
        [bar.tone for bar in bars(run.verdicts)] for run in (GOOD, BAD)
    ]
