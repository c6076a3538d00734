"""The command line, `python -m localnode`."""

import os
import sys
from pathlib import Path
from typing import Literal

import click

from localnode import distribution, guardian, places, supervisor
from localnode.account import Account
from localnode.clusters import cluster, elsewhere
from localnode.errors import LocalNodeError
from localnode.processes import ProcessId
from localnode.progress import say


class _Group(click.Group):
    """Shows what went wrong as one sentence, without a traceback."""

    def invoke(self, context: click.Context) -> None:
        try:
            super().invoke(context)
        except (LocalNodeError, OSError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group)
@click.pass_context
def main(context: click.Context) -> None:
    """Real Elasticsearch nodes on this machine, without Docker."""
    context.obj = supervisor.Signals()


@main.command()
@click.pass_obj
def fetch(signals: supervisor.Signals) -> None:
    """Fetch Elasticsearch if need be, and print the folder it is in."""
    signals.install()
    click.echo(distribution.find(Account.current()).home)


@main.command()
@click.option(
    "--nodes", type=click.Choice(["1", "3"]), default="1", show_default=True, help="How many nodes."
)
@click.option("--secure", is_flag=True, help="With TLS on every connection, and a password.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the data stay between runs.  [default: .localnode/data]",
)
@click.option("--ephemeral", is_flag=True, help="Keep the data in a temporary folder, removed at the end.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="The first node's HTTP port; 0 for a free one.",
)
@click.argument("command", nargs=-1, required=True)
@click.pass_obj
def run(  # noqa: PLR0913 - one for each option
    signals: supervisor.Signals,
    *,
    nodes: str,
    secure: bool,
    data_dir: Path | None,
    ephemeral: bool,
    port: int,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND beside a cluster that ELASTICSEARCH_URL names, and end the cluster after it.

    If ELASTICSEARCH_URL is set already, COMMAND uses that, and no node is started.
    """
    if ephemeral and data_dir is not None:
        raise click.UsageError("--ephemeral and --data-dir exclude each other.")
    signals.install()
    if os.environ.get("ELASTICSEARCH_URL"):
        say("Using the Elasticsearch that ELASTICSEARCH_URL names.")
        with elsewhere() as running:
            sys.exit(supervisor.run(command, running, signals))
    if not ephemeral and data_dir is None:
        data_dir = places.default_data_dir(Account.current())
    count: Literal[1, 3] = 3 if nodes == "3" else 1
    with cluster(nodes=count, secure=secure, data_dir=data_dir, port=port) as running:
        kept = "" if data_dir is None else f" Its data are in {data_dir}."
        say(f"Elasticsearch answers on {', '.join(running.urls)}.{kept}")
        if not ephemeral:
            say(f"For other programs: export ELASTICSEARCH_URL={','.join(running.urls)}")
        sys.exit(supervisor.run(command, running, signals))


@main.command(hidden=True)
@click.option("--remove", is_flag=True)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("pid", type=int)
@click.argument("started")
def guard(folder: Path, pid: int, started: str, *, remove: bool) -> None:
    """Be the guardian of a cluster; see `localnode.guardian`."""
    guardian.guard(folder, ProcessId(pid, started), remove=remove)
