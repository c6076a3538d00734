"""What integration tests share: raw connections, a browser, a counter to leave alone, a proxy before Elasticsearch."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import Browser

from localnode.serving import Service, serving
from service.settings import Settings
from service.storage.index import index_name
from tests.api import Api
from tests.browser import Visit, browsing, visiting
from tests.callers import SECRETS
from tests.proxy import Proxy, proxy_to
from tests.starting import IMPATIENT, Start
from tests.strategies import EXACT
from tests.wire import Wire


@pytest.fixture(params=EXACT)
def strategy(request: pytest.FixtureRequest) -> str:
    """Each strategy that loses nothing and takes a key, in turn."""
    return str(request.param)


@pytest.fixture
def wire(service_url: str) -> Iterator[Wire]:
    """A connection to the service that takes bytes."""
    with Wire(service_url) as wire:
        yield wire


@pytest.fixture(scope="module")  # no longer, for it occupies the thread's event loop
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with browsing() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """An empty page in a real browser."""
    with visiting(browser) as visit:
        yield visit


@pytest.fixture
def visit_of_reader(browser: Browser) -> Iterator[Visit]:
    """An empty page in a real browser, whose user answers with the reader's token when it asks for a password."""
    with visiting(browser, password=SECRETS["reader"]) as visit:
        yield visit


@pytest.fixture(scope="session")
def _standing_counter(service_url: str) -> str:
    with Api(service_url) as api:
        assert 201 == api.put("/counters/standing", json={"value": 7}).status_code
    return "standing"


@pytest.fixture
def kept_counter(
    service_url: str, _standing_counter: str, client: Elasticsearch, settings: Settings
) -> Iterator[str]:
    """The id of a counter at 7. The test fails if by its end this counter, or any other, has been written."""
    index = index_name(settings.counters_alias)

    def last_write() -> int:
        # Elasticsearch numbers every write to a shard, even one that changes nothing.
        shards = client.indices.stats(index=index, level="shards").body["indices"][index]["shards"]["0"]
        return max(int(shard["seq_no"]["max_seq_no"]) for shard in shards)

    before = last_write()
    yield _standing_counter
    assert before == last_write()
    # On a connection of its own: the service may close the one on which it has refused a body unread.
    with Api(service_url) as fresh:
        assert 7 == fresh.value_of(_standing_counter)


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
        **IMPATIENT,
    }
    with serving(environment, log=tmp_path_factory.mktemp("proxied") / "log") as service:
        yield service


@pytest.fixture
def start(proxy: Proxy, settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Start services of the test's own behind the proxy, with further settings."""
    with ExitStack() as stack:
        logs = (tmp_path / f"log-{number}" for number in count())

        def started(further: Mapping[str, str]) -> Service:
            environment = {
                "ELASTICSEARCH_URL": proxy.url,
                "COUNTERS_ALIAS": settings.counters_alias,
                **further,
            }
            return stack.enter_context(serving(environment, log=next(logs)))

        yield started


@pytest.fixture
def proxied_api(_proxied: Service, proxy: Proxy) -> Iterator[Api]:
    """A client of a service that reaches Elasticsearch through ``proxy``."""
    with Api(_proxied.url) as api:
        yield api
