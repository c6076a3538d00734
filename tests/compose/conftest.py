"""The containers that the smoke test is about, and what they logged when it fails."""

from collections.abc import Generator, Iterator

import pytest

from tests.api import Api
from tests.compose.stack import Stack, StackError


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The containers, built and started; they go in the end, whatever happened, and so do their volumes."""
    stack = Stack()
    stack.remove()  # what a run that was killed has left behind
    try:
        stack.build()
        stack.up()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
def api(stack: Stack) -> Iterator[Api]:
    """A client of the service in its container."""
    with Api(stack.url) as api:
        yield api


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the containers' logs into the report of a test that failed."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and stack is not None:
        try:
            report.sections.append(("docker compose logs", stack.logs(tail="100")))
        except StackError as error:
            report.sections.append(("docker compose logs, in vain", str(error)))
    return report
