"""What counters must hold, given every answer of the service so far."""

from typing import Any


class Ledger:
    """Follows a service that nobody else uses, and fails as soon as an answer contradicts an earlier one.

    Attributes:
        confirmed: How many answers agreed with an earlier one about the same counter.
    """

    def __init__(self) -> None:
        self._values: dict[str, int | None] = {}
        self.confirmed = 0

    def enter(self, operation: str, counter_id: str, status: int, body: Any) -> None:
        """Take note of an answer.

        Args:
            operation: Its ``operationId``.
            counter_id: The counter in the path, if there is one in it.
            status: The status of the answer.
            body: Its body, parsed.
        """
        match operation, status:
            case "read_counter", 200:
                self._confirm(counter_id, body["value"])
            case (("read_counter" | "delete_counter"), 404):
                self._confirm(counter_id, None)
            case "delete_counter", 204:
                assert self._values.get(counter_id, 0) is not None, f"{counter_id} was deleted twice"
                self._values[counter_id] = None
            case "set_counter", (200 | 201):
                self._confirm(counter_id, body["previous_value"])
                self._values[counter_id] = body["value"]
            case _, 200 if operation.startswith("increment_each_"):
                for result in body["results"]:
                    self._add(result)
            case _, 200 if operation.startswith("increment_"):
                self._add(body)

    def _add(self, result: dict[str, Any]) -> None:
        if "value" in result:
            before = result["value"] - result["by"]
            # A counter that does not exist is incremented from 0.
            self._confirm(result["id"], before, absent=0)
            self._values[result["id"]] = result["value"]

    def _confirm(self, counter_id: str, value: int | None, *, absent: int | None = None) -> None:
        if counter_id in self._values:
            known = self._values[counter_id]
            assert (absent if known is None else known) == value, f"{counter_id} was {known} and is {value}"
            self.confirmed += 1
        self._values[counter_id] = value
