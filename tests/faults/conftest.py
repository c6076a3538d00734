"""What fault tests share: a service between two proxies, and the book that rows write their figures into."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from localnode.serving import Service, serving
from service.settings import Settings
from tests.api import Api
from tests.faults.figures import Figures
from tests.faults.rows import Bench
from tests.faults.summary import PROPERTY
from tests.faults.tcp_proxy import TcpProxy, tcp_proxy_to

Start = Callable[[Mapping[str, str]], Service]
Enter = Callable[..., None]
"""Takes any number of `Figures`."""


@pytest.fixture
def enter(record_property: Callable[[str, object], None]) -> Enter:
    """Enter figures into the summary of the test run, whether or not they hold, and fail if they do not."""

    def entered(*figures: Figures) -> None:
        for each in figures:
            record_property(PROPERTY, each.as_dict())
        for each in figures:
            each.check()

    return entered


@pytest.fixture(scope="session")
def back_proxy(settings: Settings, client: Elasticsearch) -> Iterator[TcpProxy]:
    """The proxy that services are started behind; tests ask for ``back``."""
    with tcp_proxy_to(settings.elasticsearch_url[0]) as proxy:
        yield proxy


@pytest.fixture
def back(back_proxy: TcpProxy) -> Iterator[TcpProxy]:
    """The proxy between services and Elasticsearch; it just forwards at first."""
    yield back_proxy
    back_proxy.reset()


@pytest.fixture
def start(client: Elasticsearch, settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Start services of the test's own, each with further settings."""
    with ExitStack() as stack:

        def started(further: Mapping[str, str]) -> Service:
            environment = {"COUNTERS_ALIAS": settings.counters_alias, **further}
            return stack.enter_context(serving(environment, log=tmp_path / f"{uuid.uuid4()}.log"))

        yield started


@pytest.fixture(scope="session")
def _between(
    back_proxy: TcpProxy, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    environment = {
        "ELASTICSEARCH_URL": back_proxy.url,
        "COUNTERS_ALIAS": settings.counters_alias,
        "ELASTICSEARCH_TIMEOUT": "2",
    }
    with serving(environment, log=tmp_path_factory.mktemp("faults") / "log") as service:
        yield service


@pytest.fixture(scope="session")
def _front(_between: Service) -> Iterator[TcpProxy]:
    with tcp_proxy_to(_between.url) as proxy:
        yield proxy


@pytest.fixture
def bench(_between: Service, _front: TcpProxy, back: TcpProxy) -> Iterator[Bench]:
    """A service between two proxies, which just forward at first."""
    with Api(_between.url) as api:
        yield Bench(_front, back, api)
    _front.reset()
