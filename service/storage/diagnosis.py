"""Whether the service can work with the Elasticsearch that its settings name, and if not, what to do about it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final

from elasticsearch import (
    ApiError,
    AuthenticationException,
    AuthorizationException,
    BadRequestError,
    Elasticsearch,
    NotFoundError,
    UnsupportedProductError,
)

from service.errors import CounterError, StorageRefused
from service.settings import Settings
from service.storage.client import connect
from service.storage.index import check_index, index_name
from service.storage.outcomes import reading
from service.storage.repository import ElasticsearchCounters
from service.storage.security import PRIVILEGES

VERSION: Final = "9.4."
"""What a version begins with that the service is tested with."""

NO_INDEX: Final = "There is none. Make it with `es-counters init`, as someone who may create an index."
TO_BLOCK: Final = "index.blocks."


class State(StrEnum):
    """How a part of what the service needs is."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It cannot be seen with the service's privileges, which is no failure."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of what the service needs, how it is, and in words what is there, or wrong and to be done."""

    part: str
    state: State
    words: str


class _Trouble(Exception):
    """What is wrong with a part, in words."""


def diagnose(settings: Settings) -> Iterator[Finding]:
    """Look at each part in turn: connections, version, privileges, index, and reading.

    Nothing is written. Where no node can be used there is nothing else to be seen.
    """
    usable = []
    for url in settings.elasticsearch_url:
        with connect(replace(settings, elasticsearch_url=(url,))) as client:
            finding = _judge("connection", partial(_connection, client, url))
            yield finding
            if finding.state is State.OK:
                usable.append(url)
                yield _version(client)
    if not usable:
        return
    alias = settings.counters_alias
    with connect(replace(settings, elasticsearch_url=tuple(usable))) as client:
        yield _judge("privileges", partial(_privileges, client, alias))
        index = _judge("index", partial(_index, client, alias))
        yield index
        if index.state is State.OK:
            yield _judge("index settings", partial(_index_settings, client, alias))
            yield _judge("reading", partial(_reading, client, settings))


def _judge(part: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(part, State.OK, look())
    except (CounterError, _Trouble) as error:
        return Finding(part, State.FAILED, str(error))


def _connection(client: Elasticsearch, url: str) -> str:
    try:
        _number(client)
    except CounterError as error:
        match error.__cause__:
            case AuthenticationException():
                advice = (
                    "It does not know who asks: ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD, or"
                    " ELASTICSEARCH_API_KEY, are missing or wrong."
                )
            case UnsupportedProductError():
                advice = "What answers there is no Elasticsearch: see what ELASTICSEARCH_URL should be."
            case _ if isinstance(error, StorageRefused):
                advice = str(error)
            case _:
                advice = (
                    f"{error} See that it runs, and that ELASTICSEARCH_URL says where, and http or https."
                )
        raise _Trouble(f"{url}: {advice}") from error
    return f"{url} answers."


def _version(client: Elasticsearch) -> Finding:
    try:
        number = _number(client)
    except (CounterError, _Trouble) as error:
        return Finding("version", State.FAILED, str(error))
    if number is None:
        told = (
            f"Elasticsearch tells it to the privilege monitor alone. The service is tested with {VERSION}x."
        )
        return Finding("version", State.UNKNOWN, told)
    if number.startswith(VERSION):
        return Finding("version", State.OK, f"Elasticsearch {number}.")
    told = f"Elasticsearch {number}. The service is tested with {VERSION}x: use that."
    return Finding("version", State.FAILED, told)


def _number(client: Elasticsearch) -> str | None:
    """Return a node's version; None if whoever asks is known, and may not know it."""
    with reading():
        try:
            answer = client.info()
        except AuthorizationException:
            return None
    match answer.body:
        case {"version": {"number": str(number)}}:
            return number
        case _:
            raise _Trouble("What it answered does not say its version.")


def _privileges(client: Elasticsearch, alias: str) -> str:
    names = [alias, index_name(alias)]
    with reading():
        try:
            answer = client.security.has_privileges(index=[{"names": names, "privileges": [*PRIVILEGES]}])
        except BadRequestError:
            # There is no such path: security is off.
            return "Elasticsearch asks nobody who they are; who reaches it may do everything."
    match answer.body:
        case {"has_all_requested": True}:
            return f"{', '.join(PRIVILEGES)} on {alias} and {index_name(alias)}."
        case {"username": str(user), "index": Mapping() as held}:
            missing = [
                f"{each} on {name}" for name in names for each in PRIVILEGES if not _holds(held, name, each)
            ]
            raise _Trouble(
                f"{user} lacks {', '.join(missing)}. Make a user or an API key that has them with"
                " `es-counters init --service-user` or `--api-key`, as someone who may manage security."
            )
        case _:
            raise _Trouble("Elasticsearch's answer does not say which there are.")


def _holds(held: Mapping[str, Any], name: str, privilege: str) -> bool:
    match held.get(name):
        case {**privileges}:
            return privileges.get(privilege) is True
        case _:
            return False


def _index(client: Elasticsearch, alias: str) -> str:
    try:
        check_index(client, alias)
    except CounterError as error:
        match error.__cause__:
            case NotFoundError():
                raise _Trouble(NO_INDEX) from error
            case AuthorizationException():
                raise _Trouble(f"It must not be seen by who asks: {error}") from error
            case ApiError():
                raise
            case _ if isinstance(error, StorageRefused):
                raise
            case _:
                raise _Trouble(
                    f"{error} If an earlier version has made it, `es-counters init` brings it up to date."
                ) from error
    return f"{index_name(alias)}, through the alias {alias}, has this version's mapping."


def _index_settings(client: Elasticsearch, alias: str) -> str:
    with reading():
        answer = client.indices.get_settings(index=alias, flat_settings=True)
    [(name, index)] = answer.body.items()
    held = index["settings"]
    blocks = [key for key, value in held.items() if key.startswith(TO_BLOCK) and value == "true"]
    if blocks:
        raise _Trouble(
            f"Nothing can be written to {name}: {', '.join(blocks)}. Set it to null; a block of read_only_allow_delete"
            " goes by itself once there is room on the disk."
        )
    if held.get("index.translog.durability", "request") != "request":
        raise _Trouble(
            f"{name} acknowledges what is not on disk yet, and a crash would lose it:"
            " set index.translog.durability to request."
        )
    return "What is acknowledged is on disk, and nothing blocks writes."


def _reading(client: Elasticsearch, settings: Settings) -> str:
    ElasticsearchCounters.of(client, settings).check()
    return "Counters can be read."
