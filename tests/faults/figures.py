"""What a row came to, and whether the promise was kept: one line a row and strategy."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from tests.faults.cases import Case

COUNTS: Final = ("struck", "requested", "acknowledged", "refused", "unknown", "resolved", "stored")
"""The attributes that are added up."""


class PromiseBroken(AssertionError):
    """A counter is not what its callers were told: lost, doubled, or answered wrongly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The sums of a row. Every increment adds 1, so that counts are amounts.

    Attributes:
        row: The row of the table of faults.
        fault: What was done, in a few words.
        struck: How often it was done.
        strategy: Which strategy the callers used, and whether in lists.
        keyed: Whether they sent an Idempotency-Key, and replayed until they knew.
        requested: Increments asked for.
        acknowledged: Those whose first answer was a success.
        refused: Those whose first answer said that certainly nothing was done.
        unknown: Those whose first answer said neither, or never came.
        resolved: Those of the refused and unknown that a replay with their key settled.
        stored: What the counters hold.
        beyond: How many more than promised may be stored without a key, where Elasticsearch itself repeats what is
            on its way between nodes (https://github.com/elastic/elasticsearch/issues/9967); they are a difference.
        anomalies: What the answers say against each other or the counters, in sentences.
        promised: Whether docs/guarantees.md promises anything of the fault. Of one that it excepts, what was stored is
            reported and not judged.
    """

    row: int
    fault: str
    strategy: str
    keyed: bool
    struck: int
    requested: int = 0
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    resolved: int = 0
    stored: int = 0
    beyond: int = 0
    anomalies: tuple[str, ...] = ()
    promised: bool = True

    @property
    def least(self) -> int:
        """What the counters must hold at least."""
        return self.requested if self.keyed else self.acknowledged

    @property
    def most(self) -> int:
        """What they may hold at most: Jepsen's bounds where the unknown ones were not resolved."""
        return self.requested if self.keyed else self.acknowledged + self.unknown

    @property
    def difference(self) -> int:
        """How far what is stored is from what was promised: below 0 if some were lost, above if some doubled."""
        return self.stored - min(max(self.stored, self.least), self.most)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON takes them."""
        return {**asdict(self), "difference": self.difference}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return what `as_dict` was made from."""
        return cls(**{name: value for name, value in values.items() if name != "difference"})

    def check(self) -> None:
        """Return if the promise was kept.

        Raises:
            PromiseBroken: It was not; the message says how.
        """
        assert self.struck > 0, f"nothing happened: {self}"
        unsettled = self.requested - self.acknowledged - self.resolved if self.keyed else 0
        is_wrong = self.difference not in range(self.beyond + 1) or bool(self.anomalies)
        if (self.promised and is_wrong) or unsettled:
            raise PromiseBroken(f"{self}; difference {self.difference}, {unsettled} never settled")


def anomalies_in(
    values: Mapping[str, Sequence[int]], stored: Mapping[str, int], case: Case
) -> tuple[str, ...]:
    """Say what is wrong with the values that callers were answered, which a sum alone would not show.

    Each increment adds 1, so no two may have come to the same value, and with keys every value must have been
    somebody's: an increment that was lost and one that counted twice do not make up for each other.

    Args:
        values: What callers were answered, by counter.
        stored: What the counters hold.
        case: How they were asked; naive's values may be wrong.
    """
    if case.strategy == "naive":
        return ()
    found = []
    for counter_id, answered in values.items():
        expected = set(range(1, stored[counter_id] + 1))
        twice = [value for value, count in Counter(answered).items() if count > 1]
        if twice:
            found.append(f"the values {sorted(twice)} were each answered more than once")
        if beyond := set(answered) - expected:
            found.append(f"the values {sorted(beyond)} were answered, and {stored[counter_id]} is stored")
        if case.keyed and (missing := expected - set(answered)):
            found.append(f"the values {sorted(missing)} were nobody's")
    return tuple(found)
