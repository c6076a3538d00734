"""``es-counters export``: a copy of all counters outside Elasticsearch."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import click

from service.cli.bars import bar
from service.cli.lines import as_line, end_line
from service.settings import Settings
from service.storage.client import connect
from service.storage.scan import Scan

DASH: Final = Path("-")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def export(file: Path, *, force: bool) -> None:
    """Write all counters to FILE as JSON lines; - is standard output.

    The copy is of one moment: everything is in it that was acknowledged before the export began. What each counter
    remembers of operations is in it, too, so that their idempotency keys hold after an import; and so are deleted
    counters that still remember any. What is counted later is not: to move, stop the service first.

    FILE appears when it is complete, and not before. Others cannot read it. The last line says how many counters
    there are, so that no import takes a part for the whole.

    \b
    Examples:
      es-counters export counters.jsonl
      es-counters export - | gzip > counters.jsonl.gz
      es-counters export - | jq -s 'map(.value) | add'     the sum, to 53 bits
    """  # noqa: D301 - click's mark of a paragraph that stays as it is
    if file != DASH and file.exists() and not force:
        raise click.UsageError(f"{file} is there already; --force replaces it.")
    if not file.parent.is_dir():
        raise click.UsageError(f"There is no directory {file.parent} for {file.name}.")
    settings = Settings.from_env()
    with connect(settings) as client:
        scan = Scan(client, settings.counters_alias, log_limit=settings.idempotency_log_size)
        deleted = 0
        with (
            _complete_or_not_at_all(file) as output,
            bar(scan, length=len(scan), label="Exporting") as counters,
        ):
            for counter in counters:
                output.write(f"{as_line(counter)}\n")
                deleted += not counter.exists
            output.write(f"{end_line(len(scan))}\n")
            output.flush()
    remembered = f", and deleted ones that still remember operations: {deleted}" if deleted else ""
    click.echo(f"Counters exported: {len(scan) - deleted}{remembered}.", err=True)


@contextmanager
def _complete_or_not_at_all(file: Path) -> Iterator[IO[str]]:
    """Give a file beside ``file`` that takes its place, on disk, unless something is raised; or standard output."""
    if file == DASH:
        yield sys.stdout
        return
    with tempfile.NamedTemporaryFile(
        "w", dir=file.parent, prefix=f".{file.name}.", encoding="ascii", delete=False
    ) as part:
        try:
            yield part
            os.fsync(part.fileno())
            Path(part.name).replace(file)
        except BaseException:
            Path(part.name).unlink()
            raise
