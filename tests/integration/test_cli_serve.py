"""The command as it is installed: built, put somewhere else, and run from yet another place."""

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from localnode.serving import PROJECT, Service, wait_until_ready
from service.settings import Settings
from service.version import __version__
from tests.api import Api


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the project's wheel has in it; what it depends on is there already."""
    built, folder = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("installed")
    build = ["hatchling", "build", "--target", "wheel", "--directory", str(built)]
    subprocess.run([sys.executable, "-m", *build], cwd=PROJECT, check=True)
    [wheel] = built.iterdir()
    install = ["pip", "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel)]
    subprocess.run([sys.executable, "-m", *install], check=True)
    return folder


def environment(installed: Path, **settings: str) -> Mapping[str, str]:
    """Return what a command needs to find the service where it is installed, and with these settings."""
    return {**os.environ, "PYTHONPATH": str(installed), **settings}


@pytest.fixture
def served(installed: Path, client: Elasticsearch, settings: Settings, tmp_path: Path) -> Iterator[Service]:
    """What `es-counters serve` serves, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener, (tmp_path / "log").open("wb") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [installed / "bin" / "es-counters", "serve"],
            cwd=tmp_path,
            env=environment(
                installed,
                COUNTERS_ALIAS=settings.counters_alias,
                GUNICORN_CMD_ARGS=f"--bind fd://{listener.fileno()}",
            ),
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    service = Service(url, process, tmp_path / "log")
    try:
        wait_until_ready(service, 120)
        yield service
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.stop()
        process.kill()
        process.wait()


def test_serve_serves_as_the_project_configures_it(served: Service, counter_id: str) -> None:
    """The installed command finds gunicorn.conf.py, and becomes the master that a SIGTERM ends."""
    with Api(served.url) as api:
        counted = api.post(f"/batched/{counter_id}", json={"by": 3}).json()["value"]
    code = served.stop()

    assert (3, 0) == (counted, code)
    # What gunicorn.conf.py says, and gunicorn alone does not.
    said = served.log.read_text()
    assert "Let in are: all callers" in said
    assert f"This is es-counters {__version__}" in said


def test_serve_has_the_race_page(served: Service) -> None:
    """The page and what it consists of are installed with the package."""
    with Api(served.url) as api:
        page = api.get("/").text
        parts = re.findall(r'"(web/[^"]+)"', page)
        statuses = [api.get(f"/{part}").status_code for part in parts]

    assert {"web/icon.svg", "web/page.css", "web/page.js"} == set(parts)
    assert [200] * 3 == statuses


def test_the_command_is_there(installed: Path, tmp_path: Path) -> None:
    """It explains itself under its own name, and is the same as the module."""
    told = [
        subprocess.run(
            command, cwd=tmp_path, env=environment(installed), capture_output=True, text=True, check=True
        )
        for command in (
            [str(installed / "bin" / "es-counters"), "--help"],
            [sys.executable, "-m", "service", "--help"],
        )
    ]

    assert told[0].stdout.startswith("Usage: es-counters [OPTIONS] COMMAND")
    assert told[0].stdout.partition("\n")[2] == told[1].stdout.partition("\n")[2]
