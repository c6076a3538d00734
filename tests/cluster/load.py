"""The load test through the balancer, while the node of the primary is killed half-way and started again.

``make cluster-load``: three nodes with a replica of the counters, two replicas of the service, the balancer. Each
strategy has a run, and a loss, of its own; the exit code is 0 if every verdict holds.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import requests

import localnode
from loadtests.verdict import STRATEGIES
from localnode import Cluster
from localnode.balancing import balanced
from localnode.serving import PROJECT
from tests.api import Api
from tests.operating import Operator
from tests.strategies import EXACT

SECONDS: Final = 300.0
"""How long is waited for a load to get somewhere; more than any that is not stuck takes."""

POLL: Final = 0.1


class Load:
    """A load test's process, of one strategy, and the counter that it increments, seen from beside."""

    def __init__(
        self, process: subprocess.Popen[bytes], api: Api, strategy: str, *, others: Collection[str]
    ) -> None:
        self._process = process
        self._api = api
        self._strategy = strategy
        self._others = others
        self._counter: str | None = None

    @property
    def value(self) -> int:
        """What the counter holds, or 0 as long as it cannot be read."""
        with contextlib.suppress(requests.RequestException):
            if self._counter is None:
                self._counter = self._find()
            answer = self._api.get(f"/counters/{self._counter}")
            if answer.ok:
                return int(answer.json()["value"])
        return 0

    def reach(self, value: int) -> int:
        """Wait until the counter holds so much, and return what it holds then.

        Raises:
            RuntimeError: The load was over by then.
        """
        deadline = time.monotonic() + SECONDS
        while (now := self.value) < value:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"/{self._strategy} ended, or was stuck, before its counter held {value}.")
            time.sleep(POLL)
        return now

    def finish(self) -> int:
        """Wait until the load test ends, and return its exit code."""
        return self._process.wait(SECONDS)

    def _find(self) -> str | None:
        return next((found for found in counters(self._api) if found not in self._others), None)


def counters(api: Api) -> list[str]:
    """Return the counters that load tests have made."""
    listed = api.get("/counters", params={"prefix": "load-"}).json()
    return [counter["id"] for counter in listed.get("counters", ())]


@contextlib.contextmanager
def loading(url: str, strategy: str, *options: str, output: Path) -> Iterator[Load]:
    """Start a load test of one strategy, give it, and end it if it has not ended by itself.

    Args:
        url: Of the balancer.
        strategy: The strategy; its counter is kept.
        options: Of the load test.
        output: The folder for its report.
    """
    where = ("--host", url, "--output", str(output), "--keep-counters")
    command = [sys.executable, "-m", "loadtests", "--strategy", strategy, *where, *options]
    with Api(url) as api:
        others = counters(api)
        process: subprocess.Popen[bytes] = subprocess.Popen(command, cwd=PROJECT)
        try:
            yield Load(process, api, strategy, others=others)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is asked for: of each strategy, by so many users, so many increments each, with keys or without."""

    users: int
    increments: int
    keys: bool

    @property
    def options(self) -> Sequence[str]:
        """The same in the load test's words."""
        numbers = ("--users", str(self.users), "--increments", str(self.increments))
        return (*numbers, "--keys") if self.keys else numbers


def lose_the_primary(
    load: Load, plan: Plan, cluster: Cluster, operator: Operator, *, say: Callable[[str], None]
) -> None:
    """Kill the primary's node once half of the increments are made, and start it again once others are made."""
    victim, total = operator.copies().primary, plan.users * plan.increments
    at = load.reach(total // 2)
    if at == total:
        raise RuntimeError("The load was over before the node could be killed: make it larger.")
    victim.kill()
    say(f"{victim.name}, which had the primary, was killed when the counter stood at {at} of {total}.")
    began = time.monotonic()
    after = load.reach(at + plan.users)
    say(f"{time.monotonic() - began:.1f} s later it stood at {after}, and the node was started again.")
    victim.start()
    cluster.wait_until_ready()
    say(f"The node was back when the counter stood at {load.value}.")


def judge_each(strategies: Sequence[str], plan: Plan, folder: Path) -> dict[str, int]:
    """Run one load after the other, and return the load test's exit code of each."""
    codes: dict[str, int] = {}
    with (
        localnode.cluster(nodes=3) as cluster,
        balanced(cluster.environment, folder=folder) as service,
        Operator(cluster) as operator,
    ):
        for strategy in strategies:
            with loading(service.balancer.url, strategy, *plan.options, output=folder / strategy) as load:
                lose_the_primary(load, plan, cluster, operator, say=click.echo)
                codes[strategy] = load.finish()
    return codes


@click.command()
@click.option("--users", default=16, show_default=True)
@click.option("--increments", default=100, show_default=True, help="Of each user.")
@click.option("--strategy", "strategies", multiple=True, type=click.Choice(list(STRATEGIES)))
@click.option("--keys", is_flag=True, help="With an Idempotency-Key each; then the verdict is exact.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("build/cluster"))
def main(users: int, increments: int, strategies: tuple[str, ...], output: Path, *, keys: bool) -> None:
    """Judge each STRATEGY through the loss of a node; all that lose nothing by default."""
    output.mkdir(parents=True, exist_ok=True)
    codes = judge_each(strategies or EXACT, Plan(users=users, increments=increments, keys=keys), output)
    if any(codes.values()):
        failed = ", ".join(f"/{name}" for name, code in codes.items() if code)
        raise click.ClickException(f"The verdict does not hold through the loss of a node: {failed}.")
    click.echo("The verdicts hold through the loss of a node.")


if __name__ == "__main__":
    main()
