"""The counters themselves: read, set, delete, list."""

from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, make_response, request

from service.api import conditional
from service.api.blueprint import IF_MATCH, IF_NONE_MATCH, TAG, ApiBlueprint, refuse_query
from service.api.schemas import CounterSchema, CountersSchema, PageSchema, ValueSchema, WrittenCounterSchema
from service.counters import Counter
from service.editing import delete_counter, set_counter
from service.errors import CounterNotFound
from service.retries import Retries
from service.storage.protocol import CounterRepository


def counters_blueprint(repository: CounterRepository, retries: Retries) -> ApiBlueprint:
    """Return the paths ``/counters/{counter_id}`` and ``/counters``."""
    blueprint = ApiBlueprint("counters", __name__, url_prefix="/counters")

    @blueprint.before_request
    def refuse_query_of_one() -> None:
        if request.endpoint != "counters.listing":
            refuse_query()

    @blueprint.route("/<counter_id:counter_id>", methods=["GET"])
    @blueprint.response(200, CounterSchema, headers={"ETag": TAG})
    @blueprint.alt_response(304, description="The reader's copy is still right.", headers={"ETag": TAG})
    @blueprint.rejects(400, 404, 503)
    @blueprint.doc(operationId="read_counter", parameters=[IF_NONE_MATCH])
    def read(counter_id: str) -> Response:
        """Read a counter, as of its last acknowledged write."""
        counter = repository.read(counter_id)
        if not counter.exists:
            raise CounterNotFound(counter_id)
        if conditional.is_fresh(counter, request.headers):
            return _tagged(make_response("", 304), counter)
        return _tagged(jsonify(id=counter.id, value=counter.value), counter)

    @blueprint.route("/<counter_id:counter_id>", methods=["PUT"])
    @blueprint.arguments(ValueSchema)
    @blueprint.response(200, WrittenCounterSchema, headers={"ETag": TAG})
    @blueprint.alt_response(
        201, schema=WrittenCounterSchema, description="It was created.", headers={"ETag": TAG}, success=True
    )
    @blueprint.rejects(400, 409, 412, 413, 415, 422, 503)
    @blueprint.doc(operationId="set_counter", parameters=[IF_MATCH, IF_NONE_MATCH])
    def write(body: dict[str, int], counter_id: str) -> Response:
        """Set a counter, creating it if need be."""
        required = conditional.required_by(request.headers)
        before, after = set_counter(repository, counter_id, body["value"], retries, required)
        previous = before.value if before.exists else None
        response = jsonify(id=counter_id, value=after.value, previous_value=previous)
        response.status_code = 200 if before.exists else 201
        return _tagged(response, after)

    @blueprint.route("/<counter_id:counter_id>", methods=["DELETE"])
    @blueprint.response(204)
    @blueprint.rejects(400, 404, 409, 412, 503)
    @blueprint.doc(operationId="delete_counter", parameters=[IF_MATCH])
    def delete(counter_id: str) -> Response:
        """Remove a counter."""
        delete_counter(repository, counter_id, retries, conditional.required_by(request.headers))
        return make_response("", 204)

    @blueprint.route("", methods=["GET"])
    @blueprint.arguments(PageSchema, location="query")
    @blueprint.response(200, CountersSchema)
    @blueprint.rejects(422, 503)
    @blueprint.doc(operationId="list_counters")
    def listing(page: dict[str, Any]) -> Response:
        """List counters by id; a write may take a second to be seen here."""
        limit = page["limit"]
        found = repository.list(prefix=page["prefix"], after=page["after"], limit=limit + 1)
        shown = found[:limit]
        more = {**page, "after": shown[-1].id} if len(found) > limit else None
        return jsonify(
            counters=[{"id": counter.id, "value": counter.value} for counter in shown],
            next=f"/counters?{urlencode(more)}" if more else None,
        )

    return blueprint


def _tagged(response: Response, counter: Counter) -> Response:
    response.headers["ETag"] = conditional.entity_tag(counter)
    return response
