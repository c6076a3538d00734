"""The increments: each strategy has a path that takes one, and one that takes a list."""

import inspect
from typing import Any, Final

from flask import Response
from werkzeug.exceptions import BadRequest

from service import effort
from service.api import access, conditional, problems
from service.api.asked import at_hand
from service.api.blueprint import ApiBlueprint, refuse_query
from service.api.components import AT_TIMES, LINKS, answer
from service.api.idempotency import (
    HEADER,
    REPLAYED,
    WINDOW,
    Keys,
    as_operation,
    as_operations,
    refuse_on_naive,
)
from service.api.json_answer import as_json
from service.api.schemas import AmountSchema, IncrementedSchema, IncrementsSchema, ResultsSchema
from service.counters import Increment, Incremented
from service.errors import CounterError, Outcome
from service.preconditions import UNCONDITIONAL
from service.retries import Retries
from service.strategies import Strategy
from service.strategies.lists import S, increment_each

EACH_FOR_ITSELF: Final = """\
Items of one counter are applied in order. Each item is answered for itself, so that one which fails hinders no
other; the status is 200 even where all have failed. With an `Idempotency-Key`, send the same whole list again until
nothing has failed or is unknown that may yet pass.
"""

AT_MOST_ONCE: Final = """\
A counter that does not exist is created at 0 first. Without a body, or with an empty object, 1 is added.

"""

NEVER_REPEATED: Final = """\
The service never repeats an increment whose outcome it does not know; it answers 503 with the outcome `unknown`.
"""

EXACTLY_ONCE: Final = """\
Without an `Idempotency-Key` the service never repeats an increment whose outcome it does not know; it answers 503 with
the outcome `unknown`.

With an `Idempotency-Key` it may be repeated as often as need be, and counts once: every repetition is answered with the
same value, and the service itself repeats what it does not know the outcome of.
"""


def increments_blueprint(
    name: str, strategy: Strategy[S], storage: S, retries: Retries, keys: Keys
) -> ApiBlueprint:
    """Return the paths ``/{name}/{counter_id}`` and ``/{name}``."""
    # What a strategy's module says of itself is what callers are told, its first line before all.
    story = inspect.getdoc(inspect.getmodule(strategy.increment)) or ""
    gist = story.partition("\n")[0]
    blueprint = ApiBlueprint(name, __name__, url_prefix=f"/{name}", description=gist)
    blueprint.before_request(refuse_query)
    blueprint.before_request(keys.read if strategy.exactly_once else refuse_on_naive)
    if strategy.exactly_once:
        blueprint.after_request(keys.tell_window)
    promise = f"{AT_MOST_ONCE}\n{EXACTLY_ONCE if strategy.exactly_once else NEVER_REPEATED}"
    etag = f"ETag{AT_TIMES}" if strategy.exactly_once else "ETag"
    key_headers = [WINDOW, REPLAYED] if strategy.exactly_once else []
    key_parameters = [HEADER] if strategy.exactly_once else []

    @blueprint.for_counter("POST")
    @blueprint.arguments(AmountSchema(), required=False)
    @blueprint.describe(
        f"increment_{name}",
        answers={
            200: answer(
                "It was incremented.",
                IncrementedSchema,
                headers=[etag, "Content-Location", *key_headers],
                links=LINKS,
            )
        },
        rejects=[400, 404, 408, 409, 413, 415, 422, 503, *([412] if strategy.increment_if else [])],
        parameters=[*(["If-Match", "If-None-Match"] if strategy.increment_if else []), *key_parameters],
        description=f"{story}\n\n{promise}",
    )
    def increment(amount: dict[str, int], counter_id: str) -> Response:
        """Increment a counter."""
        asked = as_operation(Increment(counter_id, amount["by"]), name)
        required = conditional.required_by(at_hand().environ)
        if required is UNCONDITIONAL:
            done = strategy.increment(storage, asked, retries)
        elif strategy.increment_if:
            done = strategy.increment_if(storage, asked, retries, required)
        else:
            raise BadRequest(f"/{name} takes no precondition: it never looks at what it changes. Use /occ.")
        effort.came_to([done])
        headers = [("Content-Location", f"/counters/{counter_id}")]
        # A version says what stands there, so that nobody sets a counter who does not know what others have added.
        if done.applied.revision and not done.applied.replayed:
            headers.append(("ETag", conditional.entity_tag(done.applied.revision)))
        if done.applied.replayed:
            headers.append((REPLAYED, "true"))
        return as_json(_as_dict(done, name), headers)

    @blueprint.route("", methods=["POST"])
    @blueprint.arguments(IncrementsSchema())
    @blueprint.describe(
        f"increment_each_{name}",
        answers={200: answer("Each item's result or problem, in order.", ResultsSchema, headers=key_headers)},
        rejects=[400, 408, *([409] if strategy.exactly_once else []), 413, 415, 422, 503],
        parameters=key_parameters,
        description=f"{gist}\n\n{EACH_FOR_ITSELF}",
    )
    def increment_many(body: dict[str, list[Increment]]) -> Response:
        """Increment several counters, or one several times."""
        request = at_hand()
        if conditional.required_by(request.environ) is not UNCONDITIONAL:
            raise BadRequest("A list takes no precondition: a version belongs to one counter.")
        access.confine(request, (item.counter_id for item in body["increments"]))
        asked = as_operations(body["increments"], name)
        results = increment_each(strategy.try_each, strategy.split, storage, asked, retries)
        effort.came_to(results)
        outcomes = [result.outcome for result in results if isinstance(result, CounterError)]
        replayed = any(isinstance(result, Incremented) and result.applied.replayed for result in results)
        return as_json(
            {
                "results": [_item(item, result, name) for item, result in zip(asked, results, strict=True)],
                "failed": outcomes.count(Outcome.NOT_APPLIED),
                "unknown": outcomes.count(Outcome.UNKNOWN),
            },
            [(REPLAYED, "true")] if replayed else [],
        )

    return blueprint


def _item(asked: Increment, result: Incremented | CounterError, strategy: str) -> dict[str, Any]:
    if isinstance(result, CounterError):
        return {"id": asked.counter_id, **problems.of_counter_error(result).as_dict()}
    return _as_dict(result, strategy)


def _as_dict(done: Incremented, strategy: str) -> dict[str, Any]:
    return {
        "id": done.asked.counter_id,
        "value": done.applied.value,
        "by": done.asked.by,
        "strategy": strategy,
        "attempts": done.attempts,
        "conflicts": done.conflicts,
    }
