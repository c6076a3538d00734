"""What looks on from outside: every metric that alerts, dashboard and documentation name is one that is served."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.strategies import STRATEGIES
from tests.api import Api
from tests.composing import ALONE
from tests.observing import ALERTS, EXPRESSIONS, ROOT

PROMETHEUS_OWN: Final = frozenset({"up"})
"""What Prometheus adds of its own to each target."""


def selectors(expression: Any) -> Iterator[Any]:
    """Find each metric that an expression asks for."""
    match expression:
        case promql_parser.VectorSelector():
            yield expression
        case promql_parser.MatrixSelector():
            yield expression.vector_selector
        case promql_parser.BinaryExpr():
            yield from selectors(expression.lhs)
            yield from selectors(expression.rhs)
        case promql_parser.AggregateExpr() | promql_parser.ParenExpr():
            yield from selectors(expression.expr)
        case promql_parser.Call():
            for argument in expression.args:
                yield from selectors(argument)


@pytest.fixture(scope="module")
def served(service_url: str) -> Mapping[str, set[str]]:
    """The labels of each metric that the service tells of, once every strategy has been used."""
    with Api(service_url) as api:
        for strategy in STRATEGIES:
            assert 200 == api.post(f"/{strategy}/observed").status_code
        text = api.get("/metrics").text
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_asks_for_what_there_is(served: Mapping[str, set[str]], name: str) -> None:
    """Each expression can be parsed, and names metrics and labels that the service serves."""
    found = [*selectors(promql_parser.parse(EXPRESSIONS[name]))]

    assert found
    for selector in found:
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert "job" in labels
        if selector.name not in PROMETHEUS_OWN:
            assert selector.name in served
            assert labels <= served[selector.name] | {"job", "instance"}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """It is worth waking somebody or not, says what is wrong, and leads to what to do about it."""
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert ("docs/operations.md", rule["alert"].lower()) == (page, anchor)
    assert f"### {rule['alert']}\n" in (ROOT / page).read_text("utf-8")


def test_every_metric_is_described(served: Mapping[str, set[str]]) -> None:
    """The table has all of them and no other."""
    page = (ROOT / "docs" / "operations.md").read_text()
    described = set(re.findall(r"^\| `(es_counters_\w+)`", page, flags=re.MULTILINE))
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in served}

    assert families == described


def test_the_profile_starts_with_what_is_here() -> None:
    """Docker Compose's profile is complete: pinned, hardened, and for this machine alone."""
    for name in ("prometheus", "grafana"):
        container = ALONE[name]
        assert ["observe"] == container["profiles"]
        assert container["read_only"]
        assert ["ALL"] == container["cap_drop"]
        assert re.search(r":v?\d+\.\d+\.\d+$", container["image"])
        assert all(port.startswith("127.0.0.1:") for port in container["ports"])
        binds = [volume.split(":")[0] for volume in container["volumes"] if volume.startswith(".")]
        assert binds
        assert all((ROOT / path).exists() for path in binds)
