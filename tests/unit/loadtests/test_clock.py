"""The clock's name: one for all processes that can compare their readings, and no other."""

import subprocess
import sys
from pathlib import Path

import pytest

from loadtests import clock

ASK = [sys.executable, "-c", "from loadtests import clock; print(clock.name(), clock.now())"]
ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells which machine this is")
def test_processes_of_a_machine_share_a_clock() -> None:
    """Another process's clock has the same name, and its reading lies between two of ours."""
    before = clock.now()
    name, reading = subprocess.run(ASK, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    after = clock.now()

    assert clock.name() == name
    assert before < int(reading) < after


@pytest.mark.parametrize("missing", ["BOOT", "NAMESPACE"])
def test_where_the_machine_is_not_told(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without Linux's word for it, every process is a machine of its own, and always the same one."""
    monkeypatch.setattr(clock, missing, tmp_path / "missing")
    clock.name.cache_clear()
    try:
        first, again = clock.name(), clock.name()
        clock.name.cache_clear()
        another = clock.name()
    finally:
        clock.name.cache_clear()

    assert (8, first) == (len(first), again)
    assert first != another
