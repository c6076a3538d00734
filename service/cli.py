"""The command line of the service: ``python -m service``."""

import time
from collections.abc import Callable
from pathlib import Path

import click
from environs import EnvError

from service.access import Scope, make_token
from service.app import create_app
from service.errors import StorageRefused, StorageUnavailable
from service.settings import Settings
from service.storage.client import connect
from service.storage.index import create_index, index_name
from service.storage.security import create_service_user


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Counters in Elasticsearch."""


@main.command()
@click.option("--service-user", metavar="NAME", help="Make a user who may use the counters and nothing else.")
@click.option(
    "--service-password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the password to give that user; it must be there.",
)
@click.option("--wait", default=60.0, show_default=True, help="Seconds to wait for Elasticsearch.")
def init(service_user: str | None, service_password_file: Path | None, wait: float) -> None:
    """Make the index and its alias in Elasticsearch, unless they are there.

    Reads the same environment as the service, with the credentials of someone who may create an index.
    """
    if (service_user is None) != (service_password_file is None):
        raise click.UsageError("--service-user and --service-password-file go together.")
    try:
        settings = Settings.from_env()
    except EnvError as error:
        raise click.ClickException(str(error)) from error
    client = connect(settings)
    alias = settings.counters_alias
    try:
        created = _patiently(wait, lambda: create_index(client, alias))
        click.echo(
            f"Index {index_name(alias)} with alias {alias}: {'created' if created else 'already there'}."
        )
        if service_user and service_password_file:
            password = service_password_file.read_text().strip()
            create_service_user(client, alias, username=service_user, password=password)
            click.echo(f"User {service_user}: may use {alias} and nothing else.")
    except StorageRefused as error:
        raise click.ClickException(f"{error} To wait would not help; the log says why.") from error
    except StorageUnavailable as error:
        raise click.ClickException(str(error)) from error


def _patiently(seconds: float, attempt: Callable[[], bool]) -> bool:
    """Try once a second until Elasticsearch does it: a node that has just started refuses at first."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except StorageUnavailable as error:
            if isinstance(error, StorageRefused) or time.monotonic() >= deadline:
                raise
            time.sleep(1)


@main.command()
@click.option(
    "--name", required=True, help="Who will use it; stands in the log. Several tokens may share one."
)
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it allows; may be repeated. admin sets and deletes, and includes the others.",
)
@click.option(
    "--prefix",
    default="",
    help="What the ids it is for begin with. End it in a separator: billing also covers billing2.",
)
def token(name: str, scopes: tuple[str, ...], prefix: str) -> None:
    """Make a token for a caller.

    Prints the line that the service has to know, by ACCESS_TOKENS_FILE, and on standard error the token itself. It
    is kept nowhere, and cannot be had from the line:

        python -m service token --name billing --scope increment >> tokens
    """
    try:
        secret, made = make_token(name, frozenset(map(Scope, scopes)), prefix)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(secret, err=True)
    click.echo(made.as_line())


@main.command()
def openapi() -> None:
    """Print the HTTP contract, which is what openapi.yaml holds."""
    app = create_app(Settings())
    with app.test_client() as client:
        click.echo(client.get("/openapi.yaml").text, nl=False)
