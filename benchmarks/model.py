"""What a number of replicas would come to, computed from what was measured: the table of docs/scaling.md.

python -m benchmarks.model --replicas 100 --hot 1 150 --hot 16 400 …      # with figures of your own

It is arithmetic on averages, and nothing in it has been seen to run: docs/scaling.md says what it leaves out.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import click

SIZES: Final = (10, 100, 1_000)
COPIES: Final = 2
"""Of each shard: a primary and a replica, each of which syncs a write to its disk before it is acknowledged."""

MB_A_WORKER: Final = 68
"""What a busy one has at most, as docs/benchmarks.md says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What was measured.

    Attributes:
        hot: Writes a second to one counter, by how many writers share it, ascending from 1.
        worker: Increments a second that one worker answers, on a counter of its own.
        spread: Increments a second that one worker answers, on many counters.
        write: Seconds that a write to many counters takes.
        shard: Increments a second of many counters that a shard takes, by how many come in a write, ascending from 1.
    """

    hot: Mapping[int, float]
    worker: float
    spread: float
    write: float
    shard: Mapping[int, float]

    def turn(self, writers: int) -> float:
        """Return the seconds from one write of a writer to its next if so many share a counter.

        That is taken to go on as with the next more that were measured, or the most.
        """
        measured = next((count for count in sorted(self.hot) if count >= writers), max(self.hot))
        return writers / self.hot[measured]

    @property
    def batch(self) -> float:
        """How many increments a write carries: as many as come while the one before is under way."""
        return max(1.0, self.spread * self.write)

    def shard_with(self, batch: float) -> float:
        """Return the increments a second that a shard takes if so many come in a write, between those measured."""
        sizes = sorted(self.shard)
        upper = next((size for size in sizes if size >= batch), sizes[-1])
        lower = max((size for size in sizes if size <= batch), default=sizes[0])
        if lower == upper:
            return self.shard[upper]
        part = math.log(batch / lower, upper / lower)
        return self.shard[lower] * math.pow(self.shard[upper] / self.shard[lower], part)

    def shards(self, demand: float) -> int:
        """Return how many shards take so many increments a second; the more there are, the less comes in a write."""
        count = 1
        while (needed := math.ceil(demand / self.shard_with(max(1.0, self.batch / count)))) > count:
            count = needed
        return count


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """So many replicas of so many workers of so many threads, each counter remembering so many operations.

    ``clients`` ask for the hot counter all the time, each for its next increment once its last is answered.
    """

    count: int
    workers: int = 1
    threads: int = 32
    log_size: int = 1_000
    clients: int = 32

    @property
    def writers(self) -> int:
        """Processes that write, each with one write under way."""
        return self.count * self.workers

    def rows(self, costs: Costs) -> Iterator[tuple[str, str]]:
        """Yield what each figure is and what it comes to, in the order of the page."""
        hot = self.workers * costs.worker
        demand = self.writers * costs.spread
        shards = costs.shards(demand)
        parts = demand / costs.batch * min(shards, costs.batch)
        yield "workers", f"{self.writers:,}"
        yield "memory of the workers, at most", f"{self.writers * MB_A_WORKER / 1000:,.1f} GB"
        yield "connections to each node, `/batched`", f"{self.writers:,}"
        yield "connections to each node, others, at most", f"{self.writers * self.threads:,}"
        yield (
            "**one hot counter**, written by all: seconds until an increment is written",
            f"{1.5 * costs.turn(self.writers):,.2f}",
        )
        yield "… written by one replica: the same", f"{1.5 * costs.turn(self.workers):,.2f}"
        yield "… increments/s, at most", f"{hot:,.0f}"
        yield (
            f"… seconds to an answer for {self.clients} clients that bring it there",
            f"{self.clients / hot:,.2f}",
        )
        yield "… seconds that its log of operations covers then", f"{self.log_size / hot:,.1f}"
        yield "**many counters**: increments/s, all workers busy", f"{demand:,.0f}"
        yield "… shards", f"{shards:,}"
        yield "… increments in a write to a shard", f"{demand / parts:,.1f}"
        yield (
            "… shards, if each worker wrote to one of them",
            f"{math.ceil(demand / costs.shard_with(costs.batch)):,}",
        )
        yield (
            "… syncs of a translog a second and shard, both copies, at most",
            f"{COPIES * parts / shards:,.0f}",
        )


def table(costs: Costs, sizes: Sequence[Replicas]) -> str:
    """Return what each number of replicas comes to, as a table of Markdown's."""
    columns = [dict(size.rows(costs)) for size in sizes]
    lines = [
        f"| replicas | {' | '.join(f'{size.count:,}' for size in sizes)} |",
        f"|---|{'---:|' * len(columns)}",
        *(f"| {name} | {' | '.join(column[name] for column in columns)} |" for name in columns[0]),
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--replicas", multiple=True, type=click.IntRange(1), default=SIZES, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Of each replica.")
@click.option("--threads", default=32, show_default=True, help="Of each worker.")
@click.option("--log-size", default=1_000, show_default=True, help="Operations that a counter remembers.")
@click.option(
    "--clients", default=32, show_default=True, help="Those that ask for the hot counter all the time."
)
@click.option(
    "--hot",
    multiple=True,
    required=True,
    type=(click.IntRange(1), float),
    metavar="WRITERS RATE",
    help="Writes/s to one counter that so many writers share.",
)
@click.option(
    "--worker", type=float, required=True, help="Increments/s that one worker answers on one counter."
)
@click.option(
    "--spread", type=float, required=True, help="Increments/s that one worker answers on many counters."
)
@click.option("--write", type=float, required=True, help="Seconds that a write to many counters takes.")
@click.option(
    "--shard",
    multiple=True,
    required=True,
    type=(click.IntRange(1), float),
    metavar="BATCH RATE",
    help="Increments/s of many counters in one shard, if so many come in a write.",
)
def main(  # noqa: PLR0913 - one for each option
    *,
    replicas: tuple[int, ...],
    workers: int,
    threads: int,
    log_size: int,
    clients: int,
    hot: tuple[tuple[int, float], ...],
    worker: float,
    spread: float,
    write: float,
    shard: tuple[tuple[int, float], ...],
) -> None:
    """Compute what a number of replicas would come to."""
    costs = Costs(hot=dict(hot), worker=worker, spread=spread, write=write, shard=dict(shard))
    sizes = [
        Replicas(count=count, workers=workers, threads=threads, log_size=log_size, clients=clients)
        for count in replicas
    ]
    click.echo(table(costs, sizes), nl=False)


if __name__ == "__main__":
    main()
