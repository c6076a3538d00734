"""Every way in which Elasticsearch can fail to acknowledge a call, turned into an error of the service's own.

The question that each answer must settle is whether a write may have been applied. It certainly was not if the
connection was never made, or if Elasticsearch refused the request. In every other case nobody knows.
"""

import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, NoReturn

from elasticsearch import ApiError, TransportError

from service import deadlines, effort
from service.errors import (
    CounterError,
    Outcome,
    OutOfTime,
    StorageRefused,
    StorageUnavailable,
    VersionConflict,
)
from service.storage.bounded import NEVER_CONNECTED

logger = logging.getLogger(__name__)

GATEWAYS_OWN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})
"""What a gateway may answer of itself after it has passed the request on; 409s of Elasticsearch's are told apart."""


@contextmanager
def reading() -> Iterator[None]:
    """Raise the service's own error from whatever the Elasticsearch client raises within a read."""
    try:
        with writing():
            yield
    except StorageUnavailable as error:
        error.outcome = Outcome.NOT_APPLIED
        raise


@contextmanager
def writing(counter_id: str = "") -> Iterator[None]:
    """Raise the service's own error from whatever the Elasticsearch client raises within a write.

    Args:
        counter_id: The counter that the write is about, for the errors that name one.
    """
    try:
        yield
    except ApiError as error:
        refused = refusal(counter_id, error.meta.status, error.body)
        if not isinstance(refused, VersionConflict):
            tell_refusal(error.meta.status, kind_of(error.body))
        raise refused from error
    except TransportError as error:
        if _has_cause(error, ssl.SSLCertVerificationError):
            logger.warning("Elasticsearch is not trusted: %s", error.__cause__)
            raise StorageRefused(
                "No trusted CA (ELASTICSEARCH_CA_CERTS) has signed its certificate."
            ) from error
        if not deadlines.remaining():
            _raise_out_of_time(error)
        if _has_cause(error, *NEVER_CONNECTED):
            logger.warning("Elasticsearch cannot be reached: %s", error)
            raise StorageUnavailable("Elasticsearch cannot be reached.", Outcome.NOT_APPLIED) from error
        logger.warning("Elasticsearch did not answer: %s", error)
        raise StorageUnavailable("Elasticsearch did not answer.", Outcome.UNKNOWN) from error


def _raise_out_of_time(error: TransportError) -> NoReturn:
    """Say that it was the caller's time that has ended a call; Elasticsearch may be well."""
    logger.warning("The time of a request was up before Elasticsearch had answered it: %s", error)
    if _has_cause(error, *NEVER_CONNECTED):
        raise OutOfTime from error
    raise StorageUnavailable(
        "The time for this request was used up before Elasticsearch answered.", Outcome.UNKNOWN
    ) from error


def refusal(counter_id: str, status: int, body: Any) -> CounterError:
    """Return the error that an answer other than success stands for.

    Args:
        counter_id: The counter that the write, or the item of a list, is about.
        status: The HTTP status of the answer, or of the item.
        body: The answer, or the item, as it was parsed.
    """
    kind = kind_of(body)
    # Not any 409: a gateway's own says nothing of what became of the write behind it, and so invites no other try.
    if status == HTTPStatus.CONFLICT and kind == "version_conflict_engine_exception":
        effort.conflict()
        return VersionConflict(counter_id)
    if status == HTTPStatus.TOO_MANY_REQUESTS and kind == "cluster_block_exception":
        return StorageUnavailable(
            "Elasticsearch blocks writes, as it does before its disk is full.", Outcome.NOT_APPLIED
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return StorageUnavailable("Elasticsearch is overloaded and refused the request.", Outcome.NOT_APPLIED)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in GATEWAYS_OWN:
        return StorageRefused("Elasticsearch refused the request.")
    return StorageUnavailable("Elasticsearch could not complete the request.", Outcome.UNKNOWN)


def tell_refusal(status: int, kind: str, items: int = 1) -> None:
    """Say in the log that Elasticsearch has refused something; once, where that were several ``items`` of a call."""
    logger.warning("Elasticsearch answered %s: %s%s", status, kind, f" ({items} items)" if items > 1 else "")


def kind_of(body: Any) -> str:
    """Return the type of the error in an answer other than success, or in an item, as Elasticsearch calls it."""
    cause = body.get("error") if isinstance(body, Mapping) else None
    return str(cause.get("type")) if isinstance(cause, Mapping) else "no error object"


def _has_cause(error: BaseException, *kinds: type[BaseException]) -> bool:
    """Look for the reason in the chain of causes: the transport empties its list of errors."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, kinds):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
