"""The increments: each strategy has a path that takes one, and one that takes a list."""

from typing import Any

from flask import Response, jsonify, request
from flask_smorest import abort
from werkzeug.exceptions import BadRequest

from service.api import conditional, problems
from service.api.blueprint import IF_MATCH, LOCATION, TAG, ApiBlueprint, refuse_query
from service.api.schemas import AmountSchema, IncrementedSchema, IncrementsSchema, ResultsSchema
from service.counters import Increment, Incremented
from service.errors import CounterError, Outcome
from service.preconditions import UNCONDITIONAL
from service.retries import Retries
from service.storage.protocol import CounterRepository
from service.strategies import Strategy
from service.strategies.lists import increment_each


def increments_blueprint(
    name: str, strategy: Strategy, repository: CounterRepository, retries: Retries
) -> ApiBlueprint:
    """Return the paths ``/{name}/{counter_id}`` and ``/{name}``."""
    blueprint = ApiBlueprint(name, __name__, url_prefix=f"/{name}")
    blueprint.before_request(refuse_query)
    blueprint.before_request(_refuse_idempotency_keys)

    @blueprint.route("/<counter_id:counter_id>", methods=["POST"])
    @blueprint.arguments(AmountSchema, required=False)
    @blueprint.response(200, IncrementedSchema, headers={"ETag": TAG, "Content-Location": LOCATION})
    @blueprint.rejects(400, 409, 412, 413, 415, 422, 503)
    @blueprint.doc(operationId=f"increment_{name}", parameters=[IF_MATCH] if strategy.increment_if else [])
    def increment(amount: dict[str, int], counter_id: str) -> Response:
        """Increment a counter."""
        asked = Increment(counter_id, amount["by"])
        required = conditional.required_by(request.headers)
        if required is UNCONDITIONAL:
            done = strategy.increment(repository, asked, retries)
        elif strategy.increment_if:
            done = strategy.increment_if(repository, asked, retries, required)
        else:
            raise BadRequest(f"/{name} takes no precondition: it never looks at what it changes. Use /occ.")
        response = jsonify(_as_dict(done, name))
        response.headers["ETag"] = conditional.entity_tag(done.counter)
        response.headers["Content-Location"] = f"/counters/{counter_id}"
        return response

    @blueprint.route("", methods=["POST"])
    @blueprint.arguments(IncrementsSchema)
    @blueprint.response(200, ResultsSchema)
    @blueprint.rejects(400, 413, 415, 422)
    @blueprint.doc(operationId=f"increment_each_{name}")
    def increment_many(body: dict[str, list[Increment]]) -> Response:
        """Increment several counters, or one several times; each item is answered for itself."""
        if conditional.required_by(request.headers) is not UNCONDITIONAL:
            raise BadRequest("A list takes no precondition: a version belongs to one counter.")
        asked = body["increments"]
        results = increment_each(strategy.try_each, repository, asked, retries)
        outcomes = [result.outcome for result in results if isinstance(result, CounterError)]
        return jsonify(
            results=[_item(item, result, name) for item, result in zip(asked, results, strict=True)],
            failed=outcomes.count(Outcome.NOT_APPLIED),
            unknown=outcomes.count(Outcome.UNKNOWN),
        )

    return blueprint


def _item(asked: Increment, result: Incremented | CounterError, strategy: str) -> dict[str, Any]:
    if isinstance(result, CounterError):
        return {"id": asked.counter_id, **problems.of_counter_error(result).as_dict()}
    return _as_dict(result, strategy)


def _as_dict(done: Incremented, strategy: str) -> dict[str, Any]:
    return {
        "id": done.counter.id,
        "value": done.counter.value,
        "by": done.by,
        "strategy": strategy,
        "attempts": done.attempts,
        "conflicts": done.conflicts,
    }


def _refuse_idempotency_keys() -> None:
    """Refuse a key rather than ignore it: its sender relies on being free to repeat the request."""
    if "Idempotency-Key" in request.headers:
        reason = "Is not supported: a repeated request counts again."
        abort(422, messages={"headers": {"Idempotency-Key": [reason]}})
