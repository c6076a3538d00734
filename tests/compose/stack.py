"""The containers of docker-compose.yml, handled as a person at a shell would: by ``docker compose``."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = "es-counters-smoke"
"""Its containers, volumes and images are its own, so that the smoke test leaves a user's alone."""

UP_SECONDS: Final = 600
"""A build whose packages have to be fetched, and a slow start of Elasticsearch."""


class StackError(Exception):
    """A command failed; the message holds all that it printed."""


class Stack:
    """The compose project of the smoke test; PYTHON_VERSION is taken from the environment."""

    def build(self) -> None:
        """Build every image, that of the load test included, which ``up`` would leave as it was."""
        self.compose("--profile", "load", "build", timeout=UP_SECONDS)

    def up(self) -> None:
        """Start all containers, and return when those that stay are healthy.

        Raises:
            StackError: One ended or didn't become healthy; the message holds the last lines of all logs.
        """
        try:
            self.compose("up", "--detach", "--wait", timeout=UP_SECONDS)
        except StackError as error:
            raise StackError(f"{error}\n{self.logs(tail='100')}") from error

    def remove(self) -> None:
        """Remove containers, networks and volumes; the images stay, so that the next build is quick."""
        self.compose("--profile", "load", "down", "--volumes", "--remove-orphans")

    @property
    def url(self) -> str:
        """Where the service answers; Docker chooses a free port at every start."""
        return f"http://{self.compose('port', 'service', '8000').strip()}"

    def await_ready(self) -> None:
        """Return once the service answers that it is ready, which it may refuse for a minute or two."""
        patience = Retry(total=120, backoff_factor=1, backoff_max=1, status_forcelist=[503])
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=patience))
            session.get(f"{self.url}/readyz", timeout=10).raise_for_status()

    def compose(self, *arguments: str, stdin: str = "", timeout: float = 180) -> str:
        """Run ``docker compose`` and return its standard output.

        Raises:
            StackError: Its exit code isn't 0, or it took longer than ``timeout`` seconds.
        """
        try:
            done = subprocess.run(
                _command(*arguments),
                env=_environment(),
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            said = f"{error.stdout}{error.stderr}"
            raise StackError(f"docker compose {' '.join(arguments)}: {error.returncode}\n{said}") from error
        except subprocess.TimeoutExpired as error:
            raise StackError(f"docker compose {' '.join(arguments)} took {timeout:g} s or longer") from error
        return done.stdout

    def execute(self, service: str, *command: str, stdin: str = "") -> str:
        """Run a command in a running container, as the user that the container runs as."""
        return self.compose("exec", "--no-TTY", service, *command, stdin=stdin)

    def writable(self, service: str) -> list[str]:
        """Whatever the user of a container's image may write to in it, where nothing is mounted or read-only."""
        # Find's exit code is that of an error wherever there is a folder it may not read.
        search = "find / -xdev -writable ! -type l 2>/dev/null || true"
        command = ["run", "--rm", "--network", "none", f"{PROJECT}-{service}", "sh", "-c", search]
        return subprocess.run(
            [_docker(), *command], capture_output=True, text=True, check=True
        ).stdout.split()

    def inspect(self, service: str) -> dict[str, Any]:
        """What Docker knows of a container, be it running or not."""
        container = self.compose("ps", "--all", "--quiet", service).strip()
        shown = subprocess.run([_docker(), "inspect", container], capture_output=True, text=True, check=True)
        (description,) = json.loads(shown.stdout)
        return dict(description)

    def configuration(self) -> dict[str, Any]:
        """What the compose file says of each service, the load test included, with all defaults filled in."""
        document = json.loads(self.compose("--profile", "load", "config", "--format", "json"))
        return dict(document["services"])

    def logs(self, tail: str = "all") -> str:
        """What all containers have logged, or the last lines of each."""
        return self.compose("logs", "--no-color", "--tail", tail)

    def await_log(self, service: str, text: str, *, since: datetime) -> None:
        """Return once a container has logged a line with ``text``.

        Raises:
            StackError: It ended without.
        """
        command = _command("logs", "--follow", "--since", since.astimezone(UTC).isoformat(), service)
        with subprocess.Popen(command, env=_environment(), stdout=subprocess.PIPE, text=True) as process:
            found = any(text in line for line in process.stdout or ())
            process.terminate()
        if not found:
            raise StackError(f"{service} ended without logging {text!r}")


def _command(*arguments: str) -> list[str]:
    """``docker compose`` with the repository's file and nothing of the user's, such as an .env file."""
    files = ("--file", str(ROOT / "docker-compose.yml"), "--env-file", os.devnull)
    return [_docker(), "compose", "--project-name", PROJECT, *files, *arguments]


def _docker() -> str:
    docker = shutil.which("docker")
    if docker is None:
        raise StackError("There is no docker command here, and the smoke test needs one.")
    return docker


def _environment() -> dict[str, str]:
    return {**os.environ, "PORT": "0", "BIND_ADDRESS": "127.0.0.1"}
