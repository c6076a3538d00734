"""The test stand: every application under gunicorn, every store behind it, and one measurement at a time."""

import contextlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import sub
from pathlib import Path
from typing import Final

from benchmarks import peers, targets, usage
from benchmarks.applications import in_place_of_the_service
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell, Measurement, speed_of, statuses_of
from benchmarks.load import Dose, Load, Outcome, send
from benchmarks.processors import compiling_from_now
from benchmarks.stores import ElasticsearchStore, Store
from benchmarks.targets import ELASTICSEARCH, App, Target
from localnode.serving import Service, serving

LOGS: Final = Path("build/benchmarks")
SECONDS_IN_TURN: Final = 3.0
"""About how many seconds of load one target gets before the next, while Elasticsearch is prepared."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What runs, ready to be measured; made by `stand`.

    Attributes:
        elasticsearch: The store of the service.
        stores: All stores, by name.
        services: By application's name and number of workers.
        file_system: What type the one is that all stores' data are on.
    """

    elasticsearch: ElasticsearchStore
    stores: Mapping[str, Store]
    services: Mapping[tuple[str, int], Service]
    file_system: str

    def workers(self, target: Target, cell: Cell) -> list[int]:
        """Return the process numbers of the workers that serve a target."""
        return usage.workers(self.services[target.app.name, cell.workers].process.pid)

    def put_load_on(self, target: Target, cell: Cell, dose: Dose) -> Load:
        """Send increments to a target, and return what became of them.

        Raises:
            BenchmarkError: They could not be sent.
        """
        return send(
            f"{self.services[target.app.name, cell.workers].url}/{target.path}/{prefix_of(target, cell)}",
            dose,
            connections=cell.connections,
            counters=cell.counters,
            keyed=target.keyed,
        )

    def measure(self, target: Target, cell: Cell, dose: Dose, *, repeat: int) -> Measurement:
        """Put load on a target and hold what it answered against what its store holds.

        Args:
            target: What is measured.
            cell: The circumstances.
            dose: How much load.
            repeat: Which of the repetitions it is.

        Raises:
            BenchmarkError: Nothing can be said, as when hardly anything was answered.
        """
        service = self.services[target.app.name, cell.workers]
        store = self.stores.get(target.app.store or "")
        ids = counter_ids(target, cell)

        groups = {"gunicorn": service.process.pid, **({"store": store.pid} if store else {})}
        stored = store.values(ids) if store else []
        written = store.writes() if store else None
        resident = max(usage.resident_bytes(service.process.pid).values())
        used = {group: usage.cpu_seconds(pid) for group, pid in groups.items()}
        compiling = compiling_from_now(store.pid) if store else lambda: None
        load = self.put_load_on(target, cell, dose)
        cpu = {group: usage.cpu_seconds(pid) - used[group] for group, pid in groups.items()}
        compiled = compiling()
        after = store.writes() if store else None
        gained = [*map(sub, store.values(ids), stored)] if store else None

        speed = speed_of(load.answers, dose)
        if speed is None:
            raise BenchmarkError(
                f"{target.name} answered too little ({len(load.answers)} requests, {cell}): measure for longer, or look"
                f" into {service.log}."
            )
        lost, doubled = difference(load, gained)
        return Measurement(
            target=target.name,
            cell=cell,
            repeat=repeat,
            speed=speed,
            asked=dose.rate,
            requests=len(load.answers),
            statuses=statuses_of(load.answers),
            unknown=sum(answer.outcome is Outcome.UNKNOWN for answer in load.answers),
            lost=lost,
            doubled=doubled,
            writes=after.applied - written.applied if after and written else None,
            conflicts=after.conflicts - written.conflicts if after and written else None,
            cpu={**cpu, "load": load.cpu_seconds},
            compiling=compiled,
            resident=(resident, max(usage.resident_bytes(service.process.pid).values())),
        )

    def size_bytes(self, target: Target, cell: Cell) -> int:
        """Return how large the document of a target's first counter in such cells has become.

        Args:
            target: One whose store is Elasticsearch.
            cell: The circumstances.
        """
        return self.elasticsearch.size_bytes(counter_ids(target, cell)[0])


def prefix_of(target: Target, cell: Cell) -> str:
    """Return what ids of a target's counters in cells like this begin with: always the same, and no other name's."""
    name = re.sub(r"[^a-z0-9]+", "-", target.name)
    return f"{name}-{cell.workers}-{cell.counters}-"


def counter_ids(target: Target, cell: Cell) -> list[str]:
    """Return them all."""
    return [f"{prefix_of(target, cell)}{number}" for number in range(cell.counters)]


def difference(load: Load, gained: Sequence[int] | None) -> tuple[int | None, int | None]:
    """Return what was lost and what was doubled of increments by 1, after which each counter has gained so much.

    Counter by counter: what one has lost is not made up for by what another has too many. Only what nobody knows the
    counter of may have gone to any of them.
    """
    if gained is None:
        return None, None
    acknowledged, unknown = (
        Counter(answer.counter for answer in load.answers if answer.outcome is outcome)
        for outcome in (Outcome.ACKNOWLEDGED, Outcome.UNKNOWN)
    )
    lost = sum(max(0, acknowledged[number] - each) for number, each in enumerate(gained))
    beyond = sum(max(0, each - acknowledged[number] - unknown[number]) for number, each in enumerate(gained))
    return lost, max(0, beyond - unknown[None])


def prepare(ready: Stand, subjects: Iterable[tuple[Target, Cell]], *, seconds: float) -> None:
    """Have Elasticsearch's JVM compile what subjects use, in closed loops, a few seconds of each, in turn.

    And again and again, for it compiles anew what one uses otherwise than those before it.

    Args:
        ready: Has them.
        subjects: Targets, in what circumstances; those that Elasticsearch is not behind are left out.
        seconds: How long this takes in all; each gets its share, however short.

    Raises:
        BenchmarkError: No load could be sent.
    """
    closed = list(
        dict.fromkeys(
            (target, replace(cell, share=0.0))
            for target, cell in subjects
            if target.app.store == ELASTICSEARCH
        )
    )
    rounds = max(1, round(seconds / SECONDS_IN_TURN / max(1, len(closed))))
    for target, cell in closed * rounds:
        ready.put_load_on(target, cell, Dose(seconds=seconds / rounds / len(closed)))


@contextlib.contextmanager
def stand(chosen: Iterable[Target], *, workers: Iterable[int], threads: int) -> Iterator[Stand]:
    """Start what targets need, give it, and end it.

    Args:
        chosen: The targets.
        workers: For each of these numbers of workers, every application is started once.
        threads: How many each worker has.

    Raises:
        BenchmarkError, LocalNodeError: Something is missing, or does not start.
    """
    apps = list(dict.fromkeys(target.app for target in chosen))
    workers = list(workers)
    LOGS.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        folder.chmod(0o711)  # for the account that PostgreSQL runs as
        elasticsearch = stack.enter_context(ElasticsearchStore.prepared())
        stores: dict[str, Store] = {targets.ELASTICSEARCH: elasticsearch}
        urls: dict[str, str] = {}
        for name in dict.fromkeys(app.store for app in apps if app.store and app.store not in stores):
            # A connection for each thread of all workers, and some to look at what is stored.
            starting = _peer(name, folder, connections=sum(workers) * threads + 10)
            urls[name], stores[name] = stack.enter_context(starting)
        folders = {name: store.folder for name, store in stores.items()}
        file_system = usage.demand_one_disk(folders)
        common = {"COUNTERS_ALIAS": elasticsearch.alias, "THREADS": str(threads), "LOG_FORMAT": "json"}
        services = {
            (app.name, number): stack.enter_context(
                _serving(app, {**common, "WORKERS": str(number)}, store=urls.get(app.store or ""))
            )
            for app in apps
            for number in workers
        }
        yield Stand(elasticsearch, stores, services, file_system)


def _peer(
    name: str, folder: Path, *, connections: int
) -> contextlib.AbstractContextManager[tuple[str, Store]]:
    match name:
        case targets.REDIS_ALWAYS:
            return peers.redis_server(folder / name, appendfsync="always")
        case targets.REDIS_EVERYSEC:
            return peers.redis_server(folder / name, appendfsync="everysec")
        case _:
            return peers.postgres_server(folder / name, connections=connections)


def _serving(
    app: App, settings: Mapping[str, str], *, store: str | None
) -> contextlib.AbstractContextManager[Service]:
    environment = {**settings, "LOG_LEVEL": "INFO" if app.logs else "WARNING"}
    if app.factory:
        environment |= in_place_of_the_service(app.factory)
    if store:
        environment["BENCHMARK_STORE"] = store
    name = re.sub(r"[^a-z0-9]+", "-", app.name)
    return serving(environment, log=LOGS / f"{name}-{settings['WORKERS']}.log")
