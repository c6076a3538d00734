"""The counters themselves: read, set, delete, list."""

from typing import Any
from urllib.parse import urlencode

from flask import Response, make_response

from service.api import access, conditional
from service.api.asked import at_hand
from service.api.blueprint import ApiBlueprint, refuse_query
from service.api.components import LINKS, answer
from service.api.idempotency import refuse_on_edit
from service.api.json_answer import as_json
from service.api.schemas import CounterSchema, CountersSchema, PageSchema, ValueSchema, WrittenCounterSchema
from service.counters import Revision
from service.editing import delete_counter, set_counter
from service.errors import CounterNotFound
from service.retries import Retries
from service.storage.protocol import CounterRepository


def counters_blueprint(repository: CounterRepository, retries: Retries) -> ApiBlueprint:
    """Return the paths ``/counters/{counter_id}`` and ``/counters``."""
    blueprint = ApiBlueprint(
        "counters",
        __name__,
        url_prefix="/counters",
        description="The counters themselves, however incremented.",
    )

    @blueprint.before_request
    def refuse_query_of_one() -> None:
        if at_hand().endpoint != "counters.listing":
            refuse_query()

    blueprint.before_request(refuse_on_edit)

    @blueprint.for_counter("GET")
    @blueprint.describe(
        "read_counter",
        answers={
            200: answer("The counter.", CounterSchema, headers=["ETag"], links=LINKS),
            304: answer("What the reader has is still right.", headers=["ETag"]),
        },
        rejects=[400, 404, 422, 503],
        parameters=["If-None-Match-to-read"],
    )
    def read(counter_id: str) -> Response:
        """Read a counter.

        The value is that of its last acknowledged write.
        """
        counter = repository.peek(counter_id)
        if counter is None:
            raise CounterNotFound(counter_id)
        if conditional.is_fresh(counter.revision, at_hand().environ):
            return make_response("", 304, _tag(counter.revision))
        return as_json({"id": counter.id, "value": counter.value}, _tag(counter.revision))

    @blueprint.for_counter("PUT")
    @blueprint.arguments(ValueSchema())
    @blueprint.describe(
        "set_counter",
        answers={
            200: answer("It was there, and is set.", WrittenCounterSchema, headers=["ETag"], links=LINKS),
            201: answer("It was created.", WrittenCounterSchema, headers=["ETag"], links=LINKS),
        },
        rejects=[400, 404, 408, 409, 412, 413, 415, 422, 503],
        parameters=["If-Match", "If-None-Match"],
    )
    def write(body: dict[str, int], counter_id: str) -> Response:
        """Set a counter.

        It is created if need be.
        """
        required = conditional.required_by(at_hand().environ)
        before, after = set_counter(repository, counter_id, body["value"], retries, required)
        previous = before.value if before.exists else None
        return as_json(
            {"id": counter_id, "value": after.value, "previous_value": previous},
            _tag(after.revision),
            status=200 if before.exists else 201,
        )

    @blueprint.for_counter("DELETE")
    @blueprint.describe(
        "delete_counter",
        answers={204: answer("It is gone.")},
        rejects=[400, 404, 409, 412, 422, 503],
        parameters=["If-Match"],
    )
    def delete(counter_id: str) -> Response:
        """Remove a counter.

        Its value is lost; the next increment creates it again, from 0.
        """
        delete_counter(repository, counter_id, retries, conditional.required_by(at_hand().environ))
        return make_response("", 204)

    @blueprint.route("", methods=["GET"])
    @blueprint.arguments(PageSchema(), location="query")
    @blueprint.describe(
        "list_counters", answers={200: answer("A page of counters.", CountersSchema)}, rejects=[422, 503]
    )
    def listing(page: dict[str, Any]) -> Response:
        """List counters by id.

        A list is near-realtime: it may take a second until a write is seen here. A counter's own path always
        tells its last acknowledged value. With a token that is confined to a prefix, it is a list of what the token
        covers.
        """
        limit = page["limit"]
        page["prefix"] = access.confined_prefix(at_hand(), page["prefix"])
        found = repository.list(prefix=page["prefix"], after=page["after"], limit=limit + 1)
        shown = found[:limit]
        more = {**page, "after": shown[-1].id} if len(found) > limit else None
        return as_json(
            {
                "counters": [{"id": counter.id, "value": counter.value} for counter in shown],
                "next": f"/counters?{urlencode(more)}" if more else None,
            }
        )

    return blueprint


def _tag(revision: Revision | None) -> list[tuple[str, str]]:
    return [("ETag", conditional.entity_tag(revision))]
