"""The least that the service may do in a secured Elasticsearch: a role on its own index, and who has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from elasticsearch import BadRequestError, Elasticsearch

from service.errors import StorageUnavailable
from service.storage.answers import encoded_key
from service.storage.index import index_name
from service.storage.outcomes import writing

PRIVILEGES: Final = ("read", "index", "delete", "view_index_metadata")
"""Get, search, write and delete documents, and read the mapping to know that it is the right one.

Neither deleting nor creating an index is among them: the service cannot lose all counters by one call.
"""

NO_SUCH_PATH: Final = "no handler found"
"""What Elasticsearch answers on the paths of its security while that is off."""


def role_descriptor(alias: str) -> dict[str, Any]:
    """Return the role that serves counters behind ``alias``: no cluster privilege, its own index alone."""
    return {"cluster": [], "indices": [{"names": [alias, index_name(alias)], "privileges": list(PRIVILEGES)}]}


def create_service_user(client: Elasticsearch, alias: str, *, username: str, password: str) -> None:
    """Make the role and the user, or set both right if they are there; the role is named like the user.

    Raises:
        StorageUnavailable: Elasticsearch did not do it, the reason is in the log; or its security is off.
    """
    role = role_descriptor(alias)
    with writing(), _where_security_is_on():
        client.security.put_role(name=username, cluster=role["cluster"], indices=role["indices"])
        client.security.put_user(username=username, password=password, roles=[username])


def create_api_key(client: Elasticsearch, alias: str, *, name: str) -> str:
    """Make an API key that has the role, and return it in its encoded form; names need not differ.

    Raises:
        StorageUnavailable: Elasticsearch did not say that it did it, the reason is in the log; or its security is off.
    """
    with writing(), _where_security_is_on():
        answer = client.security.create_api_key(name=name, role_descriptors={name: role_descriptor(alias)})
    return encoded_key(answer.body)


@contextmanager
def _where_security_is_on() -> Iterator[None]:
    try:
        yield
    except BadRequestError as error:
        if error.message.startswith(NO_SUCH_PATH):
            raise StorageUnavailable(
                "Security is off in this Elasticsearch (xpack.security.enabled): it asks nobody who they are."
            ) from error
        raise
