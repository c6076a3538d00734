"""What the tests of `localnode` share."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localnode.processes import ProcessId
from tests.unit.localnode.mirror import Mirror


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """A download host on loopback, empty at first."""
    with Mirror() as mirror:
        yield mirror


@pytest.fixture
def environ(mirror: Mirror, passable: Path) -> dict[str, str]:
    """An environment in which only the mirror can be a source: neither Maven nor Java is on the PATH."""
    return {
        "LOCALNODE_DOWNLOAD_URL": mirror.url,
        "LOCALNODE_CACHE": str(passable / "cache"),
        "PATH": "/nonexistent",
    }


@pytest.fixture
def sleeper() -> Iterator[Callable[[], ProcessId]]:
    """Starts processes that do nothing until a signal ends them."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> ProcessId:
        started.append(subprocess.Popen(["/bin/sleep", "300"]))
        process = ProcessId.of(started[-1].pid)
        assert process is not None
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
