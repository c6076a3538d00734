"""``es-counters check``: whether the service can work here."""

from typing import Final

import click
from environs import EnvError

from service.settings import Settings
from service.storage.diagnosis import Finding, State, diagnose

COLOURS: Final = {State.OK: "green", State.FAILED: "red", State.UNKNOWN: "yellow"}


@click.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Say whether the service can work here, and if not, what to do.

    Looks at the settings, each node's connection and version, the privileges, and the index: its alias, its mapping's
    version, its settings, and whether it can be read. Prints a line for each: ok, failed, or unknown where it cannot
    be seen with the service's privileges. Writes nothing. Run it with the environment of the service itself.

    Exit codes: 0 nothing failed; 1 something did.

    \b
    Examples:
      es-counters check
      es-counters check && es-counters serve
    """  # noqa: D301 - click's mark of a paragraph that stays as it is
    try:
        settings = Settings.from_env()
    except EnvError as error:
        _tell(Finding("settings", State.FAILED, str(error)))
        ctx.exit(1)
    _tell(Finding("settings", State.OK, "They are well-formed, and fit together."))
    failed = False
    for finding in diagnose(settings):
        _tell(finding)
        failed |= finding.state is State.FAILED
    ctx.exit(int(failed))


def _tell(finding: Finding) -> None:
    state = click.style(f"{finding.state:<8}", fg=COLOURS[finding.state])
    click.echo(f"{state}{finding.part:<15} {finding.words}")
