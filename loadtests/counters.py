"""The counters of a run, seen from outside the load: set to 0 before, read after, deleted in the end."""

from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and between two bytes of a reply."""

# Unlike an increment, setting, reading and deleting may be repeated, and a verdict shouldn't fail on one
# refused connection. This adds up to 1.8 s when nothing listens.
RETRIES = Retry(total=3, backoff_factor=0.3, status_forcelist=(503,), raise_on_status=False)


class CounterUnavailableError(Exception):
    """A counter couldn't be set or read; the message says what was tried and what came back."""


class Counters:
    """A client for ``/counters/{id}``, to be closed after use."""

    def __init__(self, host: str, headers: Mapping[str, str] | None = None) -> None:
        self._host = host
        self._session = requests.Session()
        self._session.headers.update(headers or {})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=RETRIES))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def reset(self, counter: str) -> None:
        """Set a counter to 0 and read it back.

        Raises:
            CounterUnavailableError: if either didn't work, or something else than 0 is read.
        """
        self._call("PUT", counter, expected=(HTTPStatus.OK, HTTPStatus.CREATED), json={"value": 0})
        if (value := self.read(counter)) != 0:
            raise CounterUnavailableError(f"{counter} was set to 0, but {value} is read")

    def read(self, counter: str) -> int:
        """Read a counter's value.

        Raises:
            CounterUnavailableError: if there is no readable one.
        """
        response = self._call("GET", counter, expected=(HTTPStatus.OK,))
        try:
            value = response.json()["value"]
        except (ValueError, TypeError, KeyError) as error:
            raise CounterUnavailableError(f"GET {counter}: {response.text[:200]!r} holds no value") from error
        if type(value) is not int:
            raise CounterUnavailableError(f"GET {counter}: {value!r} is no whole number")
        return value

    def delete(self, counter: str) -> None:
        """Delete a counter, or leave it if it's already gone.

        Raises:
            CounterUnavailableError: if it may still be there.
        """
        self._call("DELETE", counter, expected=(HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND))

    def _call(
        self, method: str, counter: str, *, expected: tuple[HTTPStatus, ...], **options: Any
    ) -> requests.Response:
        url = f"{self._host}/counters/{counter}"
        try:
            response = self._session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **options)
        except requests.RequestException as error:
            raise CounterUnavailableError(f"{method} {url}: {_root(error)}") from error
        if response.status_code not in expected:
            raise CounterUnavailableError(f"{method} {url}: {response.status_code} {response.text[:200]!r}")
        return response


def _root(error: BaseException) -> str:
    """The innermost cause, which is the one that a person can act on ("Connection refused")."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error) or type(error).__name__
