"""``es-counters token``: a token for a caller."""

import click

from service.access import Scope, make_token


@click.command()
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
    is kept nowhere, and cannot be had from the line.

    \b
    Examples:
      es-counters token --name billing --scope increment >> tokens
      es-counters token --name reports --scope read --prefix billing. >> tokens
    """  # noqa: D301 - click's mark of a paragraph that stays as it is
    try:
        secret, made = make_token(name, frozenset(map(Scope, scopes)), prefix)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(secret, err=True)
    click.echo(made.as_line())
