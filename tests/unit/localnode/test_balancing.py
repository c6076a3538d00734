"""The balancer on this machine, where there is none."""

from pathlib import Path

import pytest

from localnode import LocalNodeError, balancing


def test_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without HAProxy the message says how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(balancing, "SYSTEM", ())

    with pytest.raises(LocalNodeError, match="make balancer"), balancing.balancing([], log=tmp_path / "log"):
        pass
