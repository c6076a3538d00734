"""``es-counters openapi``: the HTTP contract."""

import click

from service.app import create_app
from service.settings import Settings


@click.command()
def openapi() -> None:
    """Print the HTTP contract, which is what openapi.yaml holds.

    \b
    Example:
      es-counters openapi > openapi.yaml
    """  # noqa: D301 - click's mark of a paragraph that stays as it is
    app = create_app(Settings())
    with app.test_client() as client:
        click.echo(client.get("/openapi.yaml").text, nl=False)
