"""What it does to give each counter one replica: two of them behind the balancer, with and without.

Each replica has one worker, so that with ``hash`` a counter has one writer. The clients are threads of this process,
and share the processors with all else: the figures are for comparing them with each other.
"""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks import rounds
from benchmarks.rounds import ALL_SECONDS, Figures, figures_of
from localnode.balancing import balancing
from localnode.serving import serving

CLIENTS: Final = 32
STRATEGIES: Final = ("occ", "scripted", "batched")
COUNTERS: Final = (1, 1_000)
BALANCES: Final = {"round robin": "roundrobin", "one replica a counter": None}
"""Ways to choose a replica, in HAProxy's words; None: as it is configured."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A strategy, how many counters the clients increment, and how the balancer chooses a replica."""

    strategy: str
    counters: int
    balance: str


ONE_WORKER: Final = Variant("batched", 1, "one replica a counter")
"""Where a single worker answers all clients."""

MANY: Final = Variant("batched", 1_000, "one replica a counter")
"""Where both answer them, each for its counters."""

REPLICAS: Final = 2


class Client:
    """A connection that increments until told otherwise."""

    def __init__(self, url: str, variant: Variant, offset: int) -> None:
        self.times: list[tuple[float, float]] = []
        self.conflicts = 0
        self.failed = 0
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        # Each begins elsewhere, so that they do not go round in step.
        numbers = itertools.islice(itertools.cycle(range(variant.counters)), 31 * offset, None)
        self._paths = (f"/{variant.strategy}/{variant.counters}-{number}" for number in numbers)

    def increment_until(self, end: float) -> None:
        """Increment one after the other."""
        while (began := time.perf_counter()) < end:
            self._connection.request("POST", next(self._paths))
            answer = self._connection.getresponse()
            body = answer.read()
            if answer.status == http.client.OK:
                self.conflicts += json.loads(body)["conflicts"]
                self.times.append((began, time.perf_counter()))
            else:
                self.failed += 1
        self._connection.close()


def measure(url: str, variant: Variant) -> Figures:
    """Let all clients increment, and return what that came to."""
    clients = [Client(url, variant, number) for number in range(CLIENTS)]
    barrier = threading.Barrier(CLIENTS)

    def work(client: Client) -> None:
        barrier.wait()
        client.increment_until(time.perf_counter() + ALL_SECONDS)

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, clients))
    return figures_of(
        [each for client in clients for each in client.times],
        start=start,
        conflicts=sum(client.conflicts for client in clients),
        failed=sum(client.failed for client in clients),
    )


def measured(environment: Mapping[str, str], folder: Path) -> dict[Variant, Figures]:
    """Measure all variants, round by round, and return the medians.

    Args:
        environment: How the replicas reach Elasticsearch, and which index.
        folder: Where they log.
    """
    variants = [
        Variant(strategy, counters, balance)
        for counters in COUNTERS
        for strategy in STRATEGIES
        for balance in BALANCES
    ]
    with ExitStack() as stack:
        replicas = [
            stack.enter_context(
                serving({**environment, "WORKERS": "1"}, log=folder / f"replica-{number}.log")
            )
            for number in (1, 2)
        ]
        addresses = [urlsplit(replica.url).netloc for replica in replicas]
        urls = {
            name: stack.enter_context(
                balancing(addresses, log=folder / f"balancer-{number}.log", balance=balance)
            ).url
            for number, (name, balance) in enumerate(BALANCES.items())
        }
        return rounds.measured(
            variants, lambda variant: measure(urls[variant.balance], variant), name="Replicas"
        )


def table(figures: Mapping[Variant, Figures]) -> str:
    """Return the figures as a table of Markdown's."""
    lines = [
        "| counters | strategy | balanced by | requests/s | conflicts a request | p50 | p99 | failed |",
        "|---:|---|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {variant.counters:,} | `/{variant.strategy}` | {variant.balance} | {each.rate:,.0f} | {each.conflicts:.2f}"
        f" | {1000 * each.p50:.0f} ms | {1000 * each.p99:.0f} ms | {each.failed} |"
        for variant, each in figures.items()
    ]
    return "\n".join(lines) + "\n"
