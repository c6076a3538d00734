"""What is measured: a route, the application behind it, and the store behind that."""

from dataclasses import dataclass
from typing import Final

from benchmarks.routes import batched_ways, occ_retries
from service.strategies import STRATEGIES

ELASTICSEARCH: Final = "elasticsearch"
REDIS_ALWAYS: Final = "redis-always"
REDIS_EVERYSEC: Final = "redis-everysec"
POSTGRES: Final = "postgres"


@dataclass(frozen=True, slots=True)
class App:
    """An application under gunicorn: ``factory`` names it, or is None for the service as it is shipped.

    ``store`` is where its counters are; None where nothing is kept that could be asked for. ``logs`` says whether it
    writes a line for each request, as the service does unless told otherwise.
    """

    name: str
    factory: str | None = None
    store: str | None = None
    logs: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A route that increments: ``path`` is its first segment.

    ``keyed`` ones are sent an Idempotency-Key with each increment. Where not ``exact``, increments may be lost.
    ``aside`` are those that have said all in closed loops on a hot counter.
    ``connections`` are those at which it is measured, where these are not all.
    """

    name: str
    app: App
    path: str
    keyed: bool = False
    exact: bool = True
    aside: bool = False
    connections: frozenset[int] | None = None


SERVICE: Final = App("service", store=ELASTICSEARCH)
BARE: Final = Target("bare", App("bare", "benchmarks.routes.bare:app()"), "bare")
AS_TASKS: Final = Target(
    "bare, as tasks", App("bare-as-tasks", "benchmarks.routes.bare:as_tasks()"), "batched", aside=True
)
STACK: Final = Target("stack", App("stack", "benchmarks.routes.stack:app()"), "scripted", aside=True)
LOGGING_STACK: Final = Target(
    "stack, logging",
    App("stack, logging", "benchmarks.routes.stack:app()", logs=True),
    "scripted",
    aside=True,
)
RAW: Final = Target("raw", App("raw", "benchmarks.routes.raw:app()", ELASTICSEARCH), "raw")
REDIS: Final = tuple(
    Target(name, App(name, "benchmarks.routes.redis_incr:app()", name), "redis")
    for name in (REDIS_ALWAYS, REDIS_EVERYSEC)
)
POSTGRESQL: Final = Target(
    POSTGRES, App(POSTGRES, "benchmarks.routes.postgres_update:app()", POSTGRES), "postgres"
)


def strategies() -> list[Target]:
    """Return the service's own routes."""
    return [Target(name, SERVICE, name, exact=strategy.exactly_once) for name, strategy in STRATEGIES.items()]


def with_keys() -> list[Target]:
    """Return the service's last route, which is its fastest, with a key for each increment."""
    name = [*STRATEGIES][-1]
    return [Target(f"{name}, keyed", SERVICE, name, keyed=True, aside=True)]


def retrying() -> list[Target]:
    """Return what ``/occ`` was before threads took turns: where many retry, which is all that sets them apart."""
    return [
        Target(
            f"occ, {way.replace('-', ' ')}",
            App(f"occ-{way}", f"benchmarks.routes.occ_retries:app('{way}')", ELASTICSEARCH),
            f"occ-{way}",
            aside=True,
            connections=frozenset({32}),
        )
        for way in occ_retries.WAYS
    ]


def gathering() -> list[Target]:
    """Return what ``/batched`` would be if its writes came together in other ways, likewise."""
    return [
        Target(
            f"batched, {way}",
            App(f"batched-{way}", f"benchmarks.routes.batched_ways:app('{way}')", ELASTICSEARCH),
            path,
            aside=True,
            connections=frozenset({32}),
        )
        for way, (path, _) in batched_ways.WAYS.items()
    ]


def of_the_service() -> list[Target]:
    """Return what `make bench` measures."""
    return [BARE, AS_TASKS, STACK, LOGGING_STACK, RAW, *strategies(), *with_keys(), *retrying(), *gathering()]


def peers() -> list[Target]:
    """Return what `make bench-peers` measures as well."""
    return [*REDIS, POSTGRESQL]
