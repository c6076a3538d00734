"""The operations that take a body, as the tests of inputs address them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from service.strategies import STRATEGIES


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An operation that takes a JSON body.

    Attributes:
        method: Its method.
        path: Its path, with ``{id}`` where the id of a counter stands.
        body: What it takes, with ``{id}`` likewise and ``{amount}`` where a number stands.
    """

    method: str
    path: str
    body: str

    def path_for(self, counter_id: str) -> str:
        """Return the path of a counter."""
        return self.path.replace("{id}", counter_id)

    def body_with(self, amount: str, counter_id: str) -> bytes:
        """Return a body in which ``amount``, as JSON, is what to add or to set."""
        return (
            self.body.replace("{id}", counter_id).replace("{amount}", amount).encode("utf-8", "surrogatepass")
        )


SINGLES: Final[Mapping[str, Endpoint]] = MappingProxyType(
    {name: Endpoint("POST", f"/{name}/{{id}}", '{"by": {amount}}') for name in STRATEGIES}
)

LISTS: Final[Mapping[str, Endpoint]] = MappingProxyType(
    {
        f"{name} list": Endpoint(
            "POST", f"/{name}", '{"increments": [{"id": "{id}", "by": 1}, {"id": "{id}", "by": {amount}}]}'
        )
        for name in STRATEGIES
    }
)

SET: Final = Endpoint("PUT", "/counters/{id}", '{"value": {amount}}')

ALL: Final[Mapping[str, Endpoint]] = MappingProxyType({**SINGLES, **LISTS, "set": SET})
