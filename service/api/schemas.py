"""What bodies and queries look like: validation of what comes in, and the description of all in openapi.yaml."""

from typing import Any, Final

from marshmallow import RAISE, Schema, post_load
from marshmallow.fields import Dict, Integer, List, Nested, Raw, String
from marshmallow.validate import Length, OneOf, Range, Regexp

from service.counters import COUNTER_ID, MAX_VALUE, MIN_VALUE, Increment
from service.errors import Outcome

MAX_ITEMS: Final = 1000
"""How many increments a list may hold."""

MAX_LIMIT: Final = 1000
"""How many counters a page may hold."""

ID_PATTERN: Final = f"^{COUNTER_ID.pattern}$"
ID_SCHEMA: Final = {"type": "string", "pattern": ID_PATTERN, "example": "page-views"}
UUID7: Final = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-7[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}"
KEY_PATTERN: Final = f'("?)({UUID7})\\1'
"""An idempotency key: a UUIDv7, as the quoted string of a structured field (RFC 9651) or bare."""

INT64: Final = {"format": "int64"}


class Strict(Schema):
    """A body or query in which nothing unknown may stand."""

    class Meta:
        """Marshmallow's own settings."""

        unknown = RAISE


def whole_number(description: str, example: int, **options: Any) -> Integer:
    """Return a field for a signed 64-bit integer, which ``true``, ``"5"`` and ``1.0`` are not."""
    return Integer(
        strict=True,
        validate=Range(MIN_VALUE, MAX_VALUE),
        metadata={**INT64, "description": description, "example": example},
        **options,
    )


def counter_id(description: str = "The counter's id.", **options: Any) -> String:
    """Return a field for the id of a counter."""
    return String(
        required=True,
        # Marshmallow takes what stands in braces for a field of its own.
        validate=Regexp(
            COUNTER_ID.pattern + r"\Z",
            error=f"Must match {ID_PATTERN}.".replace("{", "{{").replace("}", "}}"),
        ),
        metadata={"description": description, "pattern": ID_PATTERN, "example": "page-views"},
        **options,
    )


class AmountSchema(Strict):
    """The body of a single increment; an empty one means 1."""

    by = whole_number("What to add; negative to subtract.", 5, load_default=1)


class IncrementSchema(AmountSchema):
    """One item of a list of increments."""

    id = counter_id()

    @post_load
    def as_increment(self, data: dict[str, Any], **_: Any) -> Increment:
        """Return the value that the strategies take."""
        return Increment(data["id"], data["by"])


class IncrementsSchema(Strict):
    """The body of a list of increments; those of one counter are applied in order."""

    increments = List(Nested(IncrementSchema), required=True, validate=Length(1, MAX_ITEMS))


class ValueSchema(Strict):
    """The body that sets a counter."""

    value = whole_number("What the counter is set to.", 42, required=True)


class Digits(Integer):
    """A field for a number that is written in a query: ``int`` would also take ``1_0`` and blanks around it."""

    def _validated(self, value: Any) -> int:
        if not (isinstance(value, str) and value.isascii() and value.isdecimal()):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class PageSchema(Strict):
    """Which counters to list."""

    prefix = String(
        load_default="",
        validate=Regexp(r"[A-Za-z0-9_.:-]{0,128}\Z"),
        metadata={"description": "What the ids begin with.", "pattern": "^[A-Za-z0-9_.:-]{0,128}$"},
    )
    limit = Digits(
        load_default=100,
        validate=Range(1, MAX_LIMIT),
        metadata={"description": "How many counters at most."},
    )
    after = String(
        load_default="",
        validate=Regexp(r"[A-Za-z0-9_.:-]{0,128}\Z"),
        metadata={"description": "The id behind which to begin.", "pattern": "^[A-Za-z0-9_.:-]{0,128}$"},
    )


class CounterSchema(Strict):
    """A counter."""

    id = counter_id()
    value = whole_number("The counter's value.", 42, required=True)


class WrittenCounterSchema(CounterSchema):
    """A counter that was set."""

    previous_value = whole_number(
        "What it was right before; null if it did not exist.", 37, required=True, allow_none=True
    )


class IncrementedSchema(CounterSchema):
    """What a single increment came to; ``value`` is the counter right after it."""

    by = whole_number("What was added.", 5, required=True)
    strategy = String(required=True, metadata={"description": "How it was added.", "example": "occ"})
    attempts = Integer(
        required=True, validate=Range(min=1), metadata={"description": "How many tries it took."}
    )
    conflicts = Integer(
        required=True,
        validate=Range(min=0),
        metadata={
            "description": "How many of them met another write (perhaps an earlier attempt) and changed nothing."
        },
    )


class ProblemSchema(Schema):
    """An error, as RFC 9457 has it."""

    type = String(
        required=True, metadata={"format": "uri-reference", "description": "Which kind of problem."}
    )
    title = String(required=True, metadata={"description": "That kind in words."})
    status = Integer(required=True, metadata={"description": "The HTTP status."})
    detail = String(required=True, metadata={"description": "What happened this time."})
    errors = Dict(keys=String(), values=Raw(), metadata={"description": "What is wrong, by field."})
    outcome = String(
        validate=OneOf([outcome.value for outcome in Outcome]),
        metadata={"description": "What is known of the write; on status 503 and of unresolved conflicts."},
    )
    required_version = String(
        allow_none=True,
        metadata={"description": "The version that the request demands; null: no counter. On status 412."},
    )
    current_version = String(
        allow_none=True,
        metadata={"description": "The counter's version now; null if there is none. On status 412."},
    )
    id = String(metadata={"description": "The counter it is about, within a list."})


class ResultsSchema(Strict):
    """What a list of increments came to."""

    results = List(
        Raw(
            metadata={
                "oneOf": [
                    {"$ref": "#/components/schemas/Incremented"},
                    {"$ref": "#/components/schemas/Problem"},
                ]
            }
        ),
        required=True,
        metadata={"description": "An increment's result or its problem, in the order of the request."},
    )
    failed = Integer(
        required=True,
        validate=Range(min=0),
        metadata={"description": "How many this request certainly did not apply."},
    )
    unknown = Integer(  # type: ignore[assignment]  # marshmallow moves fields out of the way of its own names
        required=True, validate=Range(min=0), metadata={"description": "How many may have been applied."}
    )


class CountersSchema(Strict):
    """A page of counters, by id."""

    counters = List(Nested(CounterSchema), required=True)
    next = String(
        required=True,
        allow_none=True,
        metadata={"format": "uri-reference", "description": "Where the next page is; null on the last."},
    )


class StatusSchema(Strict):
    """How the service is."""

    status = String(required=True, metadata={"description": "In a word."})
