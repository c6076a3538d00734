"""Measures what docs/scaling.md computes with, on three nodes with a replica: ``make scaling``."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
from elasticsearch import Elasticsearch

import localnode
from benchmarks import machine, model, pages, replicas, writers
from benchmarks.rounds import Figures
from service.settings import Settings
from service.storage.client import connect
from service.storage.index import create_index, index_name
from service.storage.repository import ElasticsearchCounters

FOLDER: Final = Path("build/scaling")
PAGE: Final = pages.DOCS / "scaling.md"
PLACE: Final = "<!-- Written by `make scaling`: {}. -->"
TABLES: Final = ("hot", "many", "replicas", "model")
"""Their names, in the places and in `FOLDER`."""


def shard_of(client: Elasticsearch, settings: Settings) -> writers.Shard:
    """Return the counters' index as writers with the service's settings see it."""
    repository = ElasticsearchCounters.of(client, settings)
    return writers.Shard(client, repository, settings.retries, index_name(settings.counters_alias))


def costs_of(
    by_writers: Mapping[writers.Variant, Figures],
    by_balance: Mapping[replicas.Variant, Figures],
) -> model.Costs:
    """Return what the model computes with, of what was measured."""
    crowd = max(count for count, _ in writers.SPREAD)
    sizes = sorted({batch for _, batch in writers.SPREAD})
    many = {size: by_writers[writers.Variant(crowd, size)] for size in sizes}
    return model.Costs(
        hot={count: by_writers[writers.Variant(count, 0)].rate for count in writers.WRITERS},
        worker=by_balance[replicas.ONE_WORKER].rate,
        spread=by_balance[replicas.MANY].rate / replicas.REPLICAS,
        write=many[sizes[1]].p50,
        shard={size: figures.rate * size for size, figures in many.items()},
    )


def main() -> None:
    """Measure, print the tables, and put them into docs/scaling.md."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    facts = machine.facts([f"Elasticsearch {localnode.VERSION}"])
    machine.demand_commit(facts)
    for name in TABLES:
        pages.demand_place(PAGE, PLACE.format(name))
    # What else the machine had to do, in the words of uptime(1).
    load = f"the load average was {os.getloadavg()[0]:.1f} before"
    with localnode.cluster(nodes=3) as cluster:
        settings = replace(
            Settings(),
            elasticsearch_url=cluster.urls,
            threads=max(writers.WRITERS),
            elasticsearch_timeout=30.0,
        )
        with connect(settings) as client:
            create_index(client, settings.counters_alias)
            client.cluster.health(index=settings.counters_alias, wait_for_status="green", timeout="60s")
            by_writers = writers.measured(shard_of(client, settings))
        by_balance = replicas.measured(cluster.environment, FOLDER)
    when = f"{machine.sentence(facts)}; {load}."
    costs = costs_of(by_writers, by_balance)
    tables = (
        *(f"{table}\n{when}\n" for table in (*writers.tables(by_writers), replicas.table(by_balance))),
        model.table(costs, [model.Replicas(count=count) for count in model.SIZES]),
    )
    for name, table in zip(TABLES, tables, strict=True):
        click.echo(table)
        (FOLDER / f"{name}.md").write_text(table)
        pages.put(table, page=PAGE, begin=PLACE.format(name))
