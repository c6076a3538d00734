"""The command line of the service: ``es-counters``, or ``python -m service``; docs/cli.md tells how it is used."""

import click

from service.cli.check import check
from service.cli.export import export
from service.cli.import_ import import_
from service.cli.init import init
from service.cli.openapi import openapi
from service.cli.race import race
from service.cli.sentences import Sentences
from service.cli.serve import serve
from service.cli.token import token
from service.version import __version__

__all__ = ["main"]


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="es-counters")
def main() -> None:
    """Counters in Elasticsearch.

    All but token, openapi and race read the service's settings from the environment, as README.md has them.

    \b
    Examples:
      es-counters init                    make the index
      es-counters check                   see whether the service can work here
      es-counters serve                   serve, on http://127.0.0.1:8000
      es-counters race                    see which strategies lose increments
      es-counters export counters.jsonl   keep a copy of all counters

    Exit codes: 0 it is done; 1 it failed, and standard error says why; 2 the command line is not understood. What
    serve becomes has gunicorn's: 3 no worker could start, 4 the service could not be loaded.
    """  # noqa: D301 - click's mark of a paragraph that stays as it is


for command in (serve, check, init, token, export, import_, race, openapi):
    main.add_command(command)
