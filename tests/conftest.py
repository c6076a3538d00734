"""What the tests run against: a real Elasticsearch, and the service on it behind real gunicorn.

Where ``ELASTICSEARCH_URL`` is set, as ``make test`` does, that Elasticsearch is used; otherwise one is started.
Every process of the test run has an index of its own, and every test uses ids of its own.
"""

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest
from elasticsearch import Elasticsearch

import localnode
from localnode.serving import Service, serving
from service.settings import Settings
from service.storage.client import connect
from service.storage.index import create_index, index_name
from tests.api import Api
from tests.callers import FILE

pytest_plugins = ["tests.faults.summary"]

# How long an example takes is the machine's business: no test is about time.
hypothesis.settings.register_profile("untimed", parent=hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def elasticsearch_environment() -> Iterator[Mapping[str, str]]:
    """The settings that lead to an Elasticsearch."""
    if "ELASTICSEARCH_URL" in os.environ:
        yield {}
    else:
        with localnode.cluster() as cluster, pytest.MonkeyPatch.context() as monkeypatch:
            for name, value in cluster.environment.items():
                monkeypatch.setenv(name, value)
            yield cluster.environment


@pytest.fixture(scope="session")
def settings(elasticsearch_environment: Mapping[str, str]) -> Settings:
    """The settings for this process's index."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("COUNTERS_ALIAS", f"counters-{uuid.uuid4().hex}")
        return Settings.from_env()


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[Elasticsearch]:
    """A client of the Elasticsearch, with this process's index in it."""
    with connect(settings) as client:
        create_index(client, settings.counters_alias)
        yield client
        client.indices.delete(index=index_name(settings.counters_alias), ignore_unavailable=True)


@pytest.fixture(scope="session")
def service(
    client: Elasticsearch, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service of two workers on this process's index."""
    environment = {"COUNTERS_ALIAS": settings.counters_alias, "WORKERS": "2"}
    with serving(environment, log=tmp_path_factory.mktemp("service") / "log") as service:
        yield service


@pytest.fixture(scope="session")
def service_url(service: Service) -> str:
    """Where that service answers, without a slash at the end."""
    return service.url


@pytest.fixture
def refresh(client: Elasticsearch, settings: Settings) -> Callable[[], object]:
    """Makes what was written visible to lists, which are near-realtime."""
    return lambda: client.indices.refresh(index=settings.counters_alias)


@pytest.fixture(scope="session")
def closed(
    client: Elasticsearch, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service of those who have a token, as tests/callers.py has them."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "tokens").write_text(FILE)
    environment = {
        "COUNTERS_ALIAS": settings.counters_alias,
        "ACCESS_TOKENS_FILE": str(folder / "tokens"),
        "LOG_FORMAT": "json",
    }
    with serving(environment, log=folder / "log") as service:
        yield service


@pytest.fixture
def counter_id() -> str:
    """An id that no other test uses."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def api(service_url: str) -> Iterator[Api]:
    """A client of the service."""
    with Api(service_url) as api:
        yield api


@pytest.fixture
def passable() -> Iterator[Path]:
    """A folder of the test's own that the account of a node can reach.

    Not one of pytest's: they lie in a folder that every start of pytest closes to others.
    """
    with tempfile.TemporaryDirectory(prefix="localnode-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)
