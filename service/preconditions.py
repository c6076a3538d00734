"""What a caller may demand of a counter before it is written: the meaning of If-Match and If-None-Match."""

from dataclasses import dataclass
from typing import Final, Protocol

from service.counters import Counter
from service.errors import PreconditionFailed


class Precondition(Protocol):
    """A demand on the counter that is about to be written."""

    def check(self, seen: Counter) -> None:
        """Return if ``seen`` meets the demand, raise `PreconditionFailed` otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Unconditional:
    """Anything goes."""

    def check(self, seen: Counter) -> None:
        """Return: there is nothing to demand."""


@dataclass(frozen=True, slots=True)
class MustExist:
    """The counter exists, at whatever version: ``If-Match: *``."""

    def check(self, seen: Counter) -> None:
        """Raise `PreconditionFailed` if there is no counter."""
        if not seen.exists:
            raise PreconditionFailed(seen.id, required="*", current=None)


@dataclass(frozen=True, slots=True)
class MustNotExist:
    """There is no such counter yet: ``If-None-Match: *``."""

    def check(self, seen: Counter) -> None:
        """Raise `PreconditionFailed` if there is a counter."""
        if seen.exists:
            raise PreconditionFailed(seen.id, required=None, current=str(seen.revision))


@dataclass(frozen=True, slots=True)
class HasVersion:
    """The counter stands at one of these versions, each as ``str(Revision)`` has it: ``If-Match: "1-0"``."""

    versions: tuple[str, ...]

    def check(self, seen: Counter) -> None:
        """Raise `PreconditionFailed` if the counter is absent or at another version."""
        current = str(seen.revision) if seen.exists else None
        if current not in self.versions:
            raise PreconditionFailed(seen.id, required=", ".join(self.versions), current=current)


UNCONDITIONAL: Final = Unconditional()
