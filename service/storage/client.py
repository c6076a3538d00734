"""The Elasticsearch client: one a process, made after the fork."""

from typing import Any, Final

from elasticsearch import Elasticsearch

from service.settings import Settings

CONNECTIONS_PER_NODE: Final = 1024
"""Above any number of threads a worker has.

The pool blocks without a time limit once all its connections are out; connections are opened only when used.
"""


def connect(settings: Settings) -> Elasticsearch:
    """Return a client that sends each request once; it opens no connection before the first.

    ``max_retries`` is 0 because the transport repeats a request whenever the reply is missing or is a 429, 502,
    503 or 504, a POST included: with its default of 3, an increment whose reply is lost is applied four times.

    Source: https://www.elastic.co/docs/reference/elasticsearch/clients/python/config
    """
    options: dict[str, Any] = {}
    if settings.elasticsearch_api_key:
        options["api_key"] = settings.elasticsearch_api_key
    if settings.elasticsearch_username and settings.elasticsearch_password:
        options["basic_auth"] = (settings.elasticsearch_username, settings.elasticsearch_password)
    if settings.elasticsearch_ca_certs:
        options["ca_certs"] = settings.elasticsearch_ca_certs
    return Elasticsearch(
        list(settings.elasticsearch_url),
        request_timeout=settings.elasticsearch_timeout,
        max_retries=0,
        connections_per_node=CONNECTIONS_PER_NODE,
        **options,
    )
