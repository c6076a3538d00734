"""What looks on from outside: the alerts and the dashboard, and what they ask for."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
RULES: Final = ROOT / "docker" / "prometheus" / "alerts.yml"
PROMETHEUS: Final = RULES.with_name("prometheus.yml")
KUBERNETES: Final = RULES.with_name("kubernetes.yml")
TRIALS: Final = ROOT / "tests" / "integration" / "alerts.yml"
"""What has each alert fire, and what does not."""
DASHBOARD: Final = ROOT / "docker" / "grafana" / "counters.json"

ALERTS: Final[list[dict[str, Any]]] = [
    rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
]
PANELS: Final[list[dict[str, Any]]] = json.loads(DASHBOARD.read_text())["panels"]

EXPRESSIONS: Final = {
    **{rule["alert"]: rule["expr"] for rule in ALERTS},
    **{
        f"{panel['title']} {target['refId']}": target["expr"].replace("$__rate_interval", "1m")
        for panel in PANELS
        for target in panel["targets"]
    },
}
"""PromQL, by the alert's name or the panel's title."""
