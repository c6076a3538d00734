"""What the views have in common: strict arguments, and an entry in openapi.yaml."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from flask_smorest import Blueprint, abort

from service.api.asked import at_hand
from service.api.components import COUNTER_ID
from service.api.parser import StrictParser
from service.api.rejections import REJECTIONS

EVERYWHERE: Final = (422,)
"""The status of what every operation refuses: a deadline that is none."""

View = TypeVar("View", bound=Callable[..., Any])


class ApiBlueprint(Blueprint):  # type: ignore[misc]  # flask-smorest has no type hints
    """A blueprint whose arguments are parsed strictly and whose answers are all described.

    Its ``arguments`` take an instance of a schema: of a class, a new one would be made for every request.
    """

    ARGUMENTS_PARSER = StrictParser()

    def for_counter(self, method: str) -> Callable[[View], View]:
        """Serve ``method`` on the path of a single counter, which the view takes as ``counter_id``."""
        path = "/<counter_id:counter_id>"
        decorator: Callable[[View], View] = self.route(path, methods=[method], parameters=[COUNTER_ID])
        return decorator

    def describe(
        self,
        operation_id: str,
        *,
        answers: Mapping[int, dict[str, Any]],
        rejects: Iterable[int] = (),
        parameters: Iterable[str] = (),
        description: str | None = None,
    ) -> Callable[[View], View]:
        """Describe a view, whose docstring is the summary.

        This is one decorator rather than flask-smorest's one for each answer, each of which costs time in every
        request.

        Args:
            operation_id: What generated clients call it.
            answers: Its successes by status, each from `service.api.components.answer`.
            rejects: The statuses of its problems, from `service.api.rejections.REJECTIONS`, besides `EVERYWHERE`.
            parameters: The headers it reads, by their names in `service.api.components.PARAMETERS`, besides the
                deadline that every operation takes.
            description: More than the docstring says.
        """
        responses: dict[int, Any] = {
            **answers,
            **{status: REJECTIONS[status][0] for status in (*rejects, *EVERYWHERE)},
        }
        more = {"description": description} if description else {}
        decorator: Callable[[View], View] = self.doc(
            operationId=operation_id,
            parameters=[*parameters, "X-Request-Timeout"],
            responses=responses,
            **more,
        )
        return decorator


def refuse_query() -> None:
    """Refuse a query where none is read: ``POST /occ/x?by=5`` would silently count 1."""
    asked = at_hand()
    if asked.query_string and asked.args:
        abort(422, messages={"query": {name: ["Unknown field."] for name in asked.args}})
