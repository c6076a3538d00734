"""``es-counters init``: what the service needs in Elasticsearch."""

import time
from collections.abc import Callable
from pathlib import Path

import click

from service.errors import StorageRefused, StorageUnavailable
from service.settings import Settings
from service.storage.client import connect
from service.storage.index import create_index, index_name
from service.storage.security import create_api_key, create_service_user


@click.command()
@click.option("--service-user", metavar="NAME", help="Make a user who may use the counters and nothing else.")
@click.option(
    "--service-password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the password to give that user; it must be there.",
)
@click.option("--api-key", metavar="NAME", help="Make an API key that may do the same.")
@click.option(
    "--api-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write that key to, for ELASTICSEARCH_API_KEY_FILE; it must not be there.",
)
@click.option("--wait", default=60.0, show_default=True, help="Seconds to wait for Elasticsearch.")
def init(
    *,
    service_user: str | None,
    service_password_file: Path | None,
    api_key: str | None,
    api_key_file: Path | None,
    wait: float,
) -> None:
    """Make the index and its alias in Elasticsearch, unless they are there.

    Reads the same environment as the service, with the credentials of someone who may create an index; of someone
    who may manage security for a user or an API key. Either has the role that service/storage/security.py describes.
    May be repeated: the index stays, the user is set right, and every API key is a further one.

    \b
    Examples:
      es-counters init
      es-counters init --service-user counters --service-password-file password
      es-counters init --api-key counters --api-key-file key
    """  # noqa: D301 - click's mark of a paragraph that stays as it is
    if (service_user is None) != (service_password_file is None):
        raise click.UsageError("--service-user and --service-password-file go together.")
    if (api_key is None) != (api_key_file is None):
        raise click.UsageError("--api-key and --api-key-file go together.")
    if api_key_file and api_key_file.exists():
        raise click.UsageError(f"{api_key_file} is there already. A key is written to a file of its own.")
    settings = Settings.from_env()
    alias = settings.counters_alias
    with connect(settings) as client:
        created = _patiently(wait, lambda: create_index(client, alias))
        click.echo(
            f"Index {index_name(alias)} with alias {alias}: {'created' if created else 'already there'}."
        )
        if service_user and service_password_file:
            password = service_password_file.read_text().strip()
            create_service_user(client, alias, username=service_user, password=password)
            click.echo(f"User {service_user}: may use {alias} and nothing else.")
        if api_key and api_key_file:
            _write_secretly(api_key_file, lambda: create_api_key(client, alias, name=api_key))
            click.echo(f"API key {api_key}: may use {alias} and nothing else, and is in {api_key_file}.")


def _write_secretly(file: Path, make: Callable[[], str]) -> None:
    """Write a secret to a new file for its owner alone; it is made once the file is there, and so not in vain."""
    file.touch(mode=0o600, exist_ok=False)
    try:
        file.write_text(f"{make()}\n")
    except BaseException:
        file.unlink()
        raise


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
