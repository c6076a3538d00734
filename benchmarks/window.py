"""What it costs to remember operations: bytes a counter, time an increment, and how far back it reaches.

Every variant is a counter whose log is full, so that each increment forgets one operation and remembers another. A
round goes through all variants, and rounds repeat: what disturbs the machine for a while disturbs all of them.
"""

import http.client
import json
import statistics
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from uuid_utils import uuid7

from benchmarks import pages
from benchmarks.machine import demand_commit, facts, sentence
from benchmarks.stores import document_bytes
from localnode.serving import serving
from service.counters import Counter
from service.operations import OperationLog
from service.settings import Settings
from service.storage.client import connect
from service.storage.index import create_index, index_name
from service.storage.repository import ElasticsearchCounters
from service.storage.writes import Script

SIZES: Final = (100, 1_000, 5_000)
STRATEGIES: Final = ("occ", "scripted", "batched")
ROUNDS: Final = 5
ALONE: Final = 60
"""Increments by a lone client, a variant and round."""
CLIENTS: Final = 16
TOGETHER: Final = 160
"""Increments by all `CLIENTS` on the same counter, a variant and round."""

RESULT: Final = Path("build/window.json")
PAGE: Final = pages.DOCS / "guarantees.md"
PLACE: Final = "<!-- Written by `make window`. -->"


@dataclass(frozen=True)
class Variant:
    """A counter that remembers ``size`` operations, incremented with keys; 0: one without a log, without keys."""

    strategy: str
    size: int
    url: str
    counter_id: str


@dataclass(frozen=True)
class Figures:
    """What a variant came to, each a median over the rounds.

    ``milliseconds`` is the median time of a lone client's increment, ``rate`` the increments a second that all
    clients get on one counter, ``size_bytes`` the JSON that Elasticsearch stores for it. ``failed`` is the part of
    them, from 0 to 1, that did not have its turn within the request's time, or before its key was forgotten.
    """

    strategy: str
    size: int
    size_bytes: int
    milliseconds: float
    rate: float
    failed: float


class Client:
    """A connection that increments. ``failed`` counts what was not applied in time, or too late for its key."""

    def __init__(self, variant: Variant) -> None:
        self.failed = 0
        self._connection = http.client.HTTPConnection(urlsplit(variant.url).netloc, timeout=60)
        self._path = f"/{variant.strategy}/{variant.counter_id}"
        self._keyed = variant.size > 0

    def increment(self) -> float:
        """Increment once, and return the seconds that it took."""
        headers = {"Idempotency-Key": str(uuid7())} if self._keyed else {}
        began = time.perf_counter()
        self._connection.request("POST", self._path, headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status in {http.client.CONFLICT, http.client.SERVICE_UNAVAILABLE}:
            self.failed += 1
        elif answer.status != http.client.OK:
            raise RuntimeError(f"{answer.status}: {body.decode()}")
        return time.perf_counter() - began


def alone(variant: Variant) -> float:
    """Return the median milliseconds of an increment by a lone client."""
    client = Client(variant)
    return statistics.median(client.increment() for _ in range(ALONE)) * 1000


def together(variant: Variant) -> tuple[float, int]:
    """Return the increments a second of all clients on the same counter, and how many failed."""
    barrier = threading.Barrier(CLIENTS + 1)

    def work(client: Client) -> int:
        barrier.wait()
        for _ in range(TOGETHER // CLIENTS):
            client.increment()
        return client.failed

    with ThreadPoolExecutor(CLIENTS) as pool:
        working = [pool.submit(work, Client(variant)) for _ in range(CLIENTS)]
        barrier.wait()
        began = time.perf_counter()
        failed = sum(each.result() for each in working)
        seconds = time.perf_counter() - began
    return (TOGETHER - failed) / seconds, failed


def measured(variants: Sequence[Variant], source_bytes: dict[Variant, int]) -> Iterator[Figures]:
    """Measure all variants, round by round."""
    times: dict[Variant, list[float]] = {variant: [] for variant in variants}
    rates: dict[Variant, list[float]] = {variant: [] for variant in variants}
    failed = dict.fromkeys(variants, 0)
    for number in range(1, ROUNDS + 1):
        click.echo(f"Round {number} of {ROUNDS}", err=True)
        for variant in variants:
            times[variant].append(alone(variant))
        for variant in variants:
            rate, failures = together(variant)
            rates[variant].append(rate)
            failed[variant] += failures
    for variant in variants:
        yield Figures(
            variant.strategy,
            variant.size,
            source_bytes[variant],
            statistics.median(times[variant]),
            statistics.median(rates[variant]),
            failed[variant] / (ROUNDS * TOGETHER),
        )


def fill(repository: ElasticsearchCounters, variant: Variant) -> None:
    """Store the counter with a full log, or with none."""
    entries = {str(uuid7()).replace("-", ""): (value, 11 * "f") for value in range(1, variant.size + 1)}
    repository.compare_and_set(Counter(variant.counter_id, variant.size, None, OperationLog("", entries)))


def as_table(figures: Sequence[Figures]) -> str:
    """Return the figures as a table of Markdown's."""
    lines = [
        f"| strategy | remembers | bytes | a lone increment | rate of {CLIENTS} clients | window | failed |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for each in figures:
        keyless = next(other for other in figures if other.strategy == each.strategy and other.size == 0)
        ratio = each.milliseconds / keyless.milliseconds
        lines.append(
            f"| `/{each.strategy}` | {f'{each.size:,}' if each.size else 'none, no key'} | {each.size_bytes:,}"
            f" | {each.milliseconds:.1f} ms ({ratio:.2f} times) | {each.rate:,.0f}"
            f" | {f'{each.size / each.rate:,.1f} s | {each.failed:.1%}' if each.size else '|'} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the table, and put it into docs/guarantees.md."""
    known = facts([])
    demand_commit(known)
    pages.demand_place(PAGE, PLACE)
    with ExitStack() as stack:
        settings = Settings.from_env()
        alias = f"window-{uuid.uuid4().hex}"
        client = stack.enter_context(connect(settings))
        create_index(client, alias)
        stack.callback(client.indices.delete, index=index_name(alias))
        repository = ElasticsearchCounters(
            client, alias=alias, timeout=30.0, script=Script.load(retry_on_conflict=0, log_limit=1)
        )
        RESULT.parent.mkdir(exist_ok=True)
        urls = {}
        for size in SIZES:
            environment = {"COUNTERS_ALIAS": alias, "IDEMPOTENCY_LOG_SIZE": str(size), "WORKERS": "1"}
            log = RESULT.parent / f"window-{size}.log"
            urls[size] = stack.enter_context(serving(environment, log=log)).url
        variants = [
            Variant(strategy, size, urls[size or SIZES[0]], f"{strategy}-{size}")
            for strategy in STRATEGIES
            for size in (0, *SIZES)
        ]
        source_bytes = {}
        for variant in variants:
            fill(repository, variant)
            alone(variant)
            source_bytes[variant] = document_bytes(client, alias, variant.counter_id)
        figures = list(measured(variants, source_bytes))
        known["versions"].append(f"Elasticsearch {client.info()['version']['number']}")
    RESULT.write_text(json.dumps([asdict(each) for each in figures], indent=2))
    table = as_table(figures)
    click.echo(table, nl=False)
    noted = f"{table}\n{sentence(known)}. Medians of {ROUNDS} rounds.\n"
    pages.put(noted, page=PAGE, begin=PLACE)
