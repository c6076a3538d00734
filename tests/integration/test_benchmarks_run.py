"""A run of the benchmarks, as short as it gets: every application, every table, and every increment accounted for."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks import targets
from benchmarks.figures import Results
from localnode.serving import PROJECT

SHORT = (
    *("--connections", "1", "--workers", "1", "--counters", "1,2", "--percents", "50"),
    *("--repeats", "1", "--seconds", "0.4", "--rate-seconds", "0.4", "--warm-up", "0.1", "--prepare", "1"),
)

ON_DISK = "/var/tmp"  # noqa: S108 - what is made there is the program's own affair
"""Where stores may keep their data, which those that are compared must not have in memory."""


def test_a_run_measures_everything_and_accounts_for_every_increment(tmp_path: Path) -> None:
    """On an Elasticsearch of its own. What is compared at other numbers of connections is started and left alone."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ELASTICSEARCH_")}
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "run", *SHORT],
        cwd=tmp_path,
        env={**others, "PYTHONPATH": str(PROJECT), "TMPDIR": ON_DISK},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert 0 == run.returncode, run.stderr
    assert "nothing was lost or doubled that must not be" in run.stdout
    assert "batched ÷ scripted, p50" in run.stdout
    results = Results.load(tmp_path / "build/bench.json")
    every = targets.of_the_service()
    assert {each.target for each in results.measurements} == {
        target.name for target in every if target.connections is None
    }
    assert {cell.share for cell in results.cells} == {0.0, 0.5}
    inexact = {target.name for target in every if not target.exact}
    stored = [each for each in results.measurements if each.lost is not None and each.target not in inexact]
    assert {(0, 0)} == {(each.lost, each.doubled) for each in stored}
    of_elasticsearch = {target.name for target in every if target.app.store == targets.ELASTICSEARCH}
    compiled = {each.target for each in results.measurements if each.compiling is not None}
    measured = {each.target for each in results.measurements}
    assert compiled == (of_elasticsearch & measured if sys.platform == "linux" else set())
    assert results.about["keyed"]["bytes"]["batched, keyed"] > 0
