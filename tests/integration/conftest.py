"""The service behind a proxy that stands between it and Elasticsearch."""

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from localnode.serving import Service, serving
from service.settings import Settings
from tests.api import Api
from tests.proxy import Proxy, proxy_to


@pytest.fixture(scope="session")
def _proxy(settings: Settings, client: Elasticsearch) -> Iterator[Proxy]:
    with proxy_to(settings.elasticsearch_url[0]) as proxy:
        yield proxy


@pytest.fixture
def proxy(_proxy: Proxy) -> Iterator[Proxy]:
    """The proxy that the service of ``proxied_api`` reaches Elasticsearch through; it just forwards at first."""
    yield _proxy
    _proxy.reset()


@pytest.fixture(scope="session")
def _proxied(
    _proxy: Proxy, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    environment = {
        "ELASTICSEARCH_URL": _proxy.url,
        "COUNTERS_ALIAS": settings.counters_alias,
        "ELASTICSEARCH_TIMEOUT": "2",
        "CONFLICT_MAX_ATTEMPTS": "10",
        "CONFLICT_BACKOFF_CAP": "0.01",
    }
    with serving(environment, log=tmp_path_factory.mktemp("proxied") / "log") as service:
        yield service


@pytest.fixture
def proxied_api(_proxied: Service, proxy: Proxy) -> Iterator[Api]:
    """A client of a service that reaches Elasticsearch through ``proxy``."""
    with Api(_proxied.url) as api:
        yield api
