"""What a race came to, in words.

The bounds are those of Jepsen's counter checker: what was acknowledged must be in the counter, and what is of unknown
outcome may be.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a strategy has made of the clients' increments by 1.

    Attributes:
        strategy: Its name.
        is_exact: Whether it promises to lose none.
        expected: How many increments the clients were to make.
        acknowledged: How many were answered with a value.
        refused: How many were certainly not applied.
        unknown: How many may have been applied.
        conflicts: How often a write met another and was tried again.
        stored: What the counter held in the end.
    """

    strategy: str
    is_exact: bool
    expected: int
    acknowledged: int
    refused: int
    unknown: int
    conflicts: int
    stored: int

    @property
    def lost(self) -> int:
        """How many acknowledged increments are not in the counter."""
        return max(0, self.acknowledged - self.stored)

    @property
    def holds(self) -> bool:
        """Whether the strategy did what it promises, and anything at all."""
        most = self.acknowledged + self.unknown
        return self.acknowledged > 0 and self.stored <= most and not (self.is_exact and self.lost)

    def __str__(self) -> str:
        return " ".join(
            [f"/{self.strategy}: expected {self.expected}, got {self.stored}.", *self._sentences()]
        )

    def _sentences(self) -> list[str]:
        said = []
        if self.acknowledged < self.expected:
            said.append(
                f"{self.acknowledged} were acknowledged, {self.refused} refused, {self.unknown} of unknown outcome."
            )
        if self.lost:
            must = ", which it promises never to do" if self.is_exact else ""
            said.append(f"It has lost {self.lost} of the acknowledged increments{must}.")
        elif self.stored > self.acknowledged + self.unknown:
            said.append("That is more than can have been added.")
        elif self.acknowledged:
            said.append("None is lost." if self.is_exact else "None is lost, this time.")
        if self.conflicts:
            times = "Once" if self.conflicts == 1 else f"{self.conflicts} times"
            said.append(f"{times} a write met another, and was tried again.")
        return said
