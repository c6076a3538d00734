"""What the model of docs/scaling.md computes."""

import pytest
from click.testing import CliRunner

from benchmarks import replicas, writers
from benchmarks.model import Costs, Replicas, main, table
from benchmarks.rounds import Figures
from benchmarks.scaling import costs_of

COSTS = Costs(
    hot={1: 100, 16: 400}, worker=2000, spread=1000, write=0.02, shard={1: 500, 10: 2000, 100: 4000}
)


def figures(rate: float) -> Figures:
    """Return what a variant came to that did so many writes, each within 20 ms."""
    return Figures(rate, 0.0, 0.02, 0.05)


@pytest.mark.parametrize(
    ("sharing", "seconds"), [(1, 1 / 100), (2, 2 / 400), (16, 16 / 400), (160, 160 / 400)]
)
def test_a_turn_comes_after_all_others(sharing: int, seconds: float) -> None:
    """Writes to a counter go one after the other, at the rate of the next more writers, or of the most."""
    assert seconds == COSTS.turn(sharing)


def test_a_write_carries_what_comes_meanwhile() -> None:
    """A worker that answers 1,000 a second gathers 20 in 20 ms."""
    assert 20 == COSTS.batch


@pytest.mark.parametrize(("batch", "rate"), [(1, 500), (10, 2000), (100, 4000), (1000, 4000)])
def test_a_shard_takes_what_was_measured(batch: int, rate: int) -> None:
    """What was measured is taken as it is, and beyond it nothing is assumed to grow."""
    assert rate == COSTS.shard_with(batch)


def test_between_measurements_it_is_interpolated() -> None:
    """Halfway between two sizes, by their ratio, is halfway between their rates."""
    assert 1000 == pytest.approx(COSTS.shard_with(10**0.5))


@pytest.mark.parametrize("demand", [1, 4000, 10_000, 100_000, 1_000_000])
def test_there_are_enough_shards_for_what_comes_in_a_write(demand: int) -> None:
    """Many shards get few increments in a write, and are so many that they take all."""
    shards = COSTS.shards(demand)

    assert demand <= shards * COSTS.shard_with(max(1.0, COSTS.batch / shards))


def test_few_increments_in_a_write_take_more_shards() -> None:
    """A million increments a second leave one for each shard in a write, and shards that take 500."""
    assert 2000 == COSTS.shards(1_000_000)


def test_the_arithmetic_of_the_page() -> None:
    """Ten replicas come to what docs/scaling.md says how to compute."""
    rows = dict(Replicas(count=10).rows(COSTS))

    assert "10" == rows["workers"]
    hot = "**one hot counter**, written by all: seconds until an increment is written"
    assert f"{1.5 * 10 / 400:.2f}" == rows[hot]
    assert f"{1.5 / 100:.2f}" == rows["… written by one replica: the same"]
    assert f"{32 / 2000:.2f}" == rows["… seconds to an answer for 32 clients that bring it there"]
    assert "0.5" == rows["… seconds that its log of operations covers then"]
    assert "2,000" == rows["… increments/s, at most"]
    assert "10,000" == rows["**many counters**: increments/s, all workers busy"]


def test_the_page_computes_with_what_was_measured_on_it() -> None:
    """Writes to the hot counter by writers; one worker's increments; a shard's, by how many come in a write."""
    by_writers = {
        **{writers.Variant(count, 0): figures(100.0 * count) for count in writers.WRITERS},
        **{writers.Variant(count, batch): figures(10.0 * count) for count, batch in writers.SPREAD},
    }
    by_balance = {replicas.ONE_WORKER: figures(2000.0), replicas.MANY: figures(1800.0)}

    costs = costs_of(by_writers, by_balance)

    assert {1: 100, 2: 200, 128: 12_800}.items() <= costs.hot.items()
    assert (2000, 900, 0.02) == (costs.worker, costs.spread, costs.write)
    assert {1: 160, 10: 1600, 100: 16_000} == costs.shard


def test_takes_figures_of_the_readers_own() -> None:
    """The command prints the same table for other figures."""
    figures = (
        "--hot 1 100 --hot 16 400 --worker 2000 --spread 1000 --write 0.02 --shard 1 500 --shard 10 2000"
    )
    said = CliRunner().invoke(main, [*figures.split(), "--shard", "100", "4000", "--replicas", "10"])

    assert table(COSTS, [Replicas(count=10)]) == said.output
