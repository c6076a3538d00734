"""The Elasticsearch client: one a process, made after the fork."""

from dataclasses import replace
from typing import Any

from elastic_transport import NodeConfig
from elastic_transport.client_utils import url_to_node_config
from elasticsearch import Elasticsearch

from service.settings import Settings
from service.storage.bounded import BoundedNode
from service.storage.observed import ObservedTransport


def connect(settings: Settings) -> Elasticsearch:
    """Return a client that sends each request once, and in time; it opens no connection before the first.

    ``max_retries`` is 0 because the transport repeats a request whenever the reply is missing or is a 429, 502,
    503 or 504, a POST included: with its default of 3, an increment whose reply is lost is applied four times.

    Source: https://www.elastic.co/docs/reference/elasticsearch/clients/python/config
    """
    nodes = [node(url, settings) for url in settings.elasticsearch_url]
    return Elasticsearch(
        nodes,
        max_retries=0,
        node_class=BoundedNode,
        transport_class=ObservedTransport,
        **identity(settings),
    )


def identity(settings: Settings) -> dict[str, Any]:
    """Return as whom the client calls, for its constructor."""
    found: dict[str, Any] = {}
    if settings.elasticsearch_api_key:
        found["api_key"] = settings.elasticsearch_api_key
    if settings.elasticsearch_username and settings.elasticsearch_password:
        found["basic_auth"] = (settings.elasticsearch_username, settings.elasticsearch_password)
    return found


def node(url: str, settings: Settings) -> NodeConfig:
    """Return how one node is reached, within how many seconds a call to it, and how many connections are kept."""
    return replace(
        url_to_node_config(url),
        request_timeout=settings.elasticsearch_timeout,
        connections_per_node=settings.threads,
        ca_certs=settings.elasticsearch_ca_certs,
    )
