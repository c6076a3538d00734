"""The running service held to its contract, with requests that schemathesis makes up from openapi.yaml."""

from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, assume, settings

from localnode.serving import Service
from service.api.requests import SECONDS
from tests.api import Api
from tests.callers import bearer
from tests.keys import uuid7
from tests.ledger import Ledger
from tests.openapi import document

REPEATABLE: Final = settings(derandomize=True, database=None, suppress_health_check=list(HealthCheck))

TIMEOUT: Final = "X-Request-Timeout"

LONG: Final = 50
"""Items from which on a list is long."""


FEW: Final = ["chain-a", "chain-b", "chain-c"]
"""The counters that chains are about: so few that the requests of a chain meet again and again."""


def contract(mode: str, *, refusals: tuple[str, ...] = ()) -> schemathesis.BaseSchema:
    """Return the contract without its catch-all, which would make any status a described one.

    Args:
        mode: Whether to make up requests that keep to it (``positive``) or ``all``.
        refusals: The statuses of refusals that even a valid request may get.
    """
    strict = document()
    for item in strict["paths"].values():
        for method in set(item) - {"parameters"}:
            del item[method]["responses"]["default"]
    if mode == "positive":
        only_few(strict)
    config = {
        "generation": {"mode": mode, "deterministic": True},
        "checks": {
            # What a valid request comes to depends on its counter: absent, full, or at another version.
            "positive_data_acceptance": {"expected-statuses": ["2XX", "304", "404", "409", "412", *refusals]},
            # A deleted counter is back with the next increment; the ledger below knows whether there was one.
            "use_after_free": {"enabled": False},
            # Strangers are not told which methods there are.
            "unsupported_method": {"enabled": not refusals},
        },
    }
    return schemathesis.openapi.from_dict(strict, config=schemathesis.Config.from_dict(config))


Case = schemathesis.Case[Any]

EVERYTHING: Final = contract("all")
CLOSED: Final = contract("all", refusals=("401", "403"))


@EVERYTHING.parametrize()
@settings(REPEATABLE, max_examples=50)
def test_keeps_to_the_contract(case: Case, service_url: str) -> None:
    """Every request, valid or not, gets an answer that the contract describes."""
    say_what_openapi_cannot(case)
    # It is made up as a spoilt body, but is the lawful absence of one.
    assume(case.body not in ("", b""))

    case.call_and_validate(base_url=service_url)


@CLOSED.parametrize()
@settings(REPEATABLE, max_examples=10)
def test_keeps_to_the_contract_with_tokens(case: Case, closed: Service) -> None:
    """Nor is there another answer where tokens are needed, be there none, one for less, or the right one."""
    say_what_openapi_cannot(case)
    assume(case.body not in ("", b""))

    case.call_and_validate(base_url=closed.url)
    for name in ("reader", "billing", "admin"):
        case.call_and_validate(base_url=closed.url, headers={"Authorization": bearer(name)})


def test_keeps_to_the_contract_in_chains(api: Api) -> None:
    """Requests that follow the contract's links agree with each other about every counter they touch."""
    confirmed = 0
    # A list is near-realtime: what follows from it would differ from one run to the next.
    linked = contract("positive").exclude(operation_id="list_counters")

    class Chain(linked.as_state_machine()):  # type: ignore[misc]  # made at run time
        def setup(self) -> None:
            self.ledger = Ledger()

        def before_call(self, case: Case) -> None:
            say_what_openapi_cannot(case)
            # Which of these calls are repetitions, the ledger does not know.
            case.headers.pop("Idempotency-Key", None)

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {**super().get_call_kwargs(case), "base_url": api.base}

        def after_call(self, response: schemathesis.Response, case: Case) -> None:
            super().after_call(response, case)
            self.ledger.enter(
                case.operation.definition.raw["operationId"],
                case.path_parameters.get("counter_id", ""),
                response.status_code,
                response.json() if response.content else None,
            )

        def teardown(self) -> None:
            nonlocal confirmed
            confirmed += self.ledger.confirmed
            for counter_id in FEW:
                api.delete(f"/counters/{counter_id}")

    Chain.run(settings=settings(REPEATABLE, max_examples=40, stateful_step_count=20))

    assert 100 < confirmed


def only_few(contract: dict[str, Any]) -> None:
    """Let requests name no counters but a few, and make lists short."""
    schemas = contract["components"]["schemas"]
    schemas["Increment"]["properties"]["id"] = {"enum": FEW}
    schemas["Increments"]["properties"]["increments"]["maxItems"] = 5
    for item in contract["paths"].values():
        for parameter in item.get("parameters", []):
            parameter["schema"] = {"enum": FEW}


def say_what_openapi_cannot(case: Case) -> None:
    """Change a request where openapi.yaml has no words for what the service demands."""
    if isinstance(case.body, float | dict | list):
        case.body = plain(case.body)
    if "Idempotency-Key" in case.headers and case.meta and case.meta.generation.mode.is_positive:
        # The time in a key must be near, and a key that comes again is a repetition.
        case.headers["Idempotency-Key"] = uuid7()
    if "If-Match" in case.headers:
        # The two exclude each other.
        case.headers.pop("If-None-Match", None)
    if SECONDS.fullmatch(str(case.headers.get(TIMEOUT, ""))):
        # How long is long enough.
        case.headers[TIMEOUT] = "60"


def plain(body: Any) -> Any:
    """Write whole numbers without a fraction: JSON Schema takes 5.0 for an integer, and the service does not.

    The items of a long list get ids of their own: to name one counter a thousand times is lawful, but takes long.
    """
    match body:
        case float() if body.is_integer():
            return int(body)
        case dict():
            return {name: plain(value) for name, value in body.items()}
        case list() if len(body) > LONG:
            return [
                {**item, "id": f"item-{number}"} if isinstance(item, dict) and "id" in item else plain(item)
                for number, item in enumerate(body)
            ]
        case list():
            return [plain(item) for item in body]
        case _:
            return body
