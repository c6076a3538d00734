"""Elasticsearch alone on a disk that fills up to its last byte: which writes it acknowledges, and then has not.

``python -m tests.faults.disk_alone 60`` prints a line a round, and in how many there were any. Writers without the
service use the three calls that the service uses, each time on a document of its own; what was acknowledged must be
there after the disk has space again. docs/guarantees.md says what came of it, and why.
"""

import itertools
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import click
from elasticsearch import ApiError, Elasticsearch, TransportError

from localnode.processes import wait_until
from tests.faults.small_disk import SmallDisk, small_disk

Write = Callable[[Elasticsearch, str, str], bool]
"""Writes to an index the document of an id, and returns whether that is acknowledged."""

PATIENCE: Final = 60.0
"""Seconds within which each writer gets that far."""

SCRIPTED: Final[dict[str, Any]] = {
    "script": {"source": "ctx._source.value += 1"},
    "upsert": {"value": 0},
    "scripted_upsert": True,
}


def create(client: Elasticsearch, index: str, name: str) -> bool:
    """Index it under the condition that it is not there, as ``/occ`` does."""
    answer = client.index(index=index, id=name, document={"value": 1}, op_type="create", timeout="1s")
    return bool(answer["result"] == "created")


def update(client: Elasticsearch, index: str, name: str) -> bool:
    """Run a script on it, as ``/scripted`` does."""
    return bool(client.update(index=index, id=name, body=SCRIPTED, timeout="1s")["result"] == "created")


def bulk(client: Elasticsearch, index: str, name: str) -> bool:
    """Run a script on it in a bulk request, as ``/batched`` does."""
    answer = client.bulk(index=index, operations=[{"update": {"_id": name}}, SCRIPTED], timeout="1s")
    [item] = answer["items"][0].values()  # one that has failed may be called "index"
    return bool(item.get("result") == "created")


CALLS: Final[tuple[Write, ...]] = (create, update, bulk)


class Writer:
    """Writes one document after the other.

    Attributes:
        acknowledged: The ids of those that were.
        failures: How many were not.
    """

    def __init__(self, url: str, index: str, write: Write, number: int) -> None:
        self._client = Elasticsearch(url, max_retries=0, request_timeout=3)
        self._index = index
        self._write = write
        self._prefix = f"{write.__name__}-{number}"
        self.acknowledged: list[str] = []
        self.failures = 0

    def go_on(self, over: threading.Event) -> None:
        """Write until it is over."""
        with self._client:
            for turn in itertools.count():
                if over.is_set():
                    return
                name = f"{self._prefix}-{turn}"
                try:
                    is_acknowledged = self._write(self._client, self._index, name)
                except (ApiError, TransportError):
                    is_acknowledged = False
                if is_acknowledged:
                    self.acknowledged.append(name)
                else:
                    self.failures += 1
                    over.wait(0.05)


def lost_in(disk: SmallDisk, client: Elasticsearch, index: str, count: int) -> list[str]:
    """Fill the disk while so many write, make space, and return what was acknowledged and is not there."""
    client.indices.create(index=index, settings={"number_of_shards": 1, "number_of_replicas": 0})
    writers = [Writer(disk.url, index, CALLS[number % len(CALLS)], number) for number in range(count)]
    over = threading.Event()
    with ThreadPoolExecutor(count) as pool:
        done = [pool.submit(writer.go_on, over) for writer in writers]
        try:
            assert wait_until(lambda: min(len(each.acknowledged) for each in writers) >= 5, timeout=PATIENCE)
            with disk.filled():
                assert wait_until(lambda: min(each.failures for each in writers) > 0, timeout=PATIENCE)
            disk.allocate_again()
        finally:
            over.set()
    for each in done:
        each.result()
    client.cluster.health(index=index, wait_for_status="green", timeout="30s")
    ids = [name for writer in writers for name in writer.acknowledged]
    found = client.mget(index=index, ids=ids)["docs"]
    assert not any("error" in each for each in found)
    client.indices.delete(index=index)
    return [each["_id"] for each in found if not each["found"]]


@click.command()
@click.argument("rounds", type=click.IntRange(min=1))
@click.option(
    "--writers", type=click.IntRange(min=1), default=12, show_default=True, help="How many write at once."
)
def main(rounds: int, writers: int) -> None:
    """Fill a disk under a node's writers, round after round, and count those that lose acknowledged writes."""
    with tempfile.TemporaryDirectory(prefix="localnode-test-") as folder:
        Path(folder).chmod(0o711)  # for the account of the node
        with small_disk(Path(folder)) as disk, Elasticsearch(disk.url, request_timeout=60) as client:
            count = 0
            for number in range(1, rounds + 1):
                lost = lost_in(disk, client, f"round-{number}", writers)
                count += bool(lost)
                click.echo(f"round {number}: {len(lost)} acknowledged and lost {' '.join(lost)}".rstrip())
            click.echo(f"{count} of {rounds} rounds lost acknowledged writes")


if __name__ == "__main__":
    main()
