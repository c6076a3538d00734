"""``es-counters import``: counters from a file into Elasticsearch."""

import os
from collections.abc import Iterator
from typing import IO, Final

import click

from service.cli.bars import bar
from service.cli.reading import checked, numbered, rewindable
from service.cli.writing import IfExists, Line, Stopped, Tally, find_existing, write
from service.settings import Settings
from service.storage.client import connect
from service.storage.protocol import CounterRepository
from service.storage.repository import BATCH_ENTRIES, ElasticsearchCounters

NAMED: Final = 5
"""How many counters that are there already are named."""


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--if-exists",
    type=click.Choice([each.value for each in IfExists]),
    default=IfExists.FAIL.value,
    show_default=True,
    help="For a counter that is there: write nothing at all, leave it as it is, or put the file's in its place.",
)
@click.option(
    "--endless", is_flag=True, help="Take what is there for all there is, whatever the last line says."
)
def import_(file: IO[bytes], if_exists: str, *, endless: bool) -> None:
    """Write the counters in FILE, as `es-counters export` has made it; - is standard input.

    The whole file is looked at before anything is written: a malformed line, or a counter that stands twice, is
    refused with its number, and so is an export of which a part is missing. What the counters remember of operations
    is written with them, so that idempotency keys hold: an increment that is in the file is not counted again when it
    is repeated. A counter that was deleted and still remembers operations counts as one that is there.

    If it has to stop halfway, it says how many counters are written. To go on, repeat it with --if-exists skip, or
    with overwrite if that is what it was. Let nobody count meanwhile: overwrite does not look at what it replaces.

    \b
    Examples:
      es-counters import counters.jsonl
      es-counters import --if-exists overwrite counters.jsonl     back to what was exported
      gunzip < counters.jsonl.gz | es-counters import -
      echo '{"id":"page-views","value":5}' | es-counters import --endless -
    """  # noqa: D301 - click's mark of a paragraph that stays as it is
    settings = Settings.from_env()
    try:
        with connect(settings) as client, rewindable(file) as lines:
            _import(ElasticsearchCounters.of(client, settings), lines, IfExists(if_exists), endless=endless)
    except (ValueError, Stopped) as error:
        raise click.ClickException(str(error)) from error


def _import(repository: CounterRepository, file: IO[bytes], if_exists: IfExists, *, endless: bool) -> None:
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    tally = Tally(total=0)
    with bar(length=size, label="Checking") as shown:
        for length in checked(file, endless=endless):
            tally.total += 1
            shown.update(length)
    repository.check()
    if if_exists is IfExists.FAIL:
        file.seek(start)
        _refuse_existing(repository, numbered(file))
    file.seek(start)
    try:
        with bar(length=tally.total, label="Importing") as shown:
            for lines in _batches(numbered(file), repository.batch):
                write(repository, lines, if_exists, tally)
                shown.update(len(lines))
    finally:
        # However it ends, Ctrl-C included.
        click.echo(str(tally), err=True)


def _refuse_existing(repository: CounterRepository, lines: Iterator[Line]) -> None:
    there = [line for batch in _batches(lines, repository.batch) for line in find_existing(repository, batch)]
    if there:
        named = ", ".join(f"{counter_id} (line {number})" for number, counter_id in there[:NAMED])
        more = f" and {len(there) - NAMED} more" if len(there) > NAMED else ""
        raise ValueError(
            f"Nothing is written, for these are there already: {named}{more}."
            " --if-exists skip leaves them, --if-exists overwrite replaces them."
        )


def _batches(lines: Iterator[Line], length: int) -> Iterator[list[Line]]:
    """Yield so many at a time, or fewer if together they would remember more than `BATCH_ENTRIES` operations."""
    batch: list[Line] = []
    entries = 0
    for line in lines:
        more = len(line[1].log.entries)
        if batch and (len(batch) == length or entries + more > BATCH_ENTRIES):
            yield batch
            batch, entries = [], 0
        batch.append(line)
        entries += more
    if batch:
        yield batch
