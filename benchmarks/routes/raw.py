"""Elasticsearch's scripted ``_update`` as textbooks have it: what the service costs beyond it, and is worth."""

from http import HTTPStatus

from elasticsearch import ConflictError, Elasticsearch
from flask import Flask, abort

from benchmarks.routes import application
from service.settings import Settings
from service.storage.client import identity, node

SCRIPT = "ctx._source.value += params.by"


def app() -> Flask:
    """Return an application on the service's own index; a conflict that ten repetitions did not settle is a 409."""
    settings = Settings.from_env()
    client = Elasticsearch([node(url, settings) for url in settings.elasticsearch_url], **identity(settings))

    def increment(counter_id: str) -> int:
        try:
            answer = client.update(
                index=settings.counters_alias,
                id=counter_id,
                script={"source": SCRIPT, "params": {"by": 1}},
                upsert={"id": counter_id, "value": 1},
                retry_on_conflict=10,
                source_includes=["value"],
            )
        except ConflictError:
            abort(HTTPStatus.CONFLICT)
        return int(answer["get"]["_source"]["value"])

    return application("raw", increment)
