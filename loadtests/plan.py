"""What one run is to do, from Locust's options."""

import secrets
from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from loadtests.credentials import headers_from
from loadtests.recording import LONGEST
from loadtests.verdict import STRATEGIES, Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run: every strategy in turn, each with all its users at once, on a fresh counter of its own."""

    host: str
    strategies: tuple[str, ...]
    users: int
    """Users of each strategy."""
    increments: int
    """Increments of each user."""
    by: int = 1
    """What each increment adds."""
    keys: bool = False
    """Whether increments have idempotency keys, where the strategy takes them."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What every request carries besides; the token, if the service asks for one."""
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    """Random, and part of the counters' names, so that no run meets another's counters."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def from_options(cls, options: Namespace, *, host: str | None) -> "Plan":
        """Plan a run.

        Args:
            options: Locust's parsed options with those that this load test adds.
            host: base URL of the service.

        Raises:
            ValueError: if an option makes no sense, in words for whoever typed it. The command line is
                checked before; what comes from the web UI's form isn't.
        """
        try:
            numbers = {name: positive(getattr(options, name)) for name in ("num_users", "increments", "by")}
        except ArgumentTypeError as error:
            raise ValueError(f"users, increments and by: {error}") from error
        unknown = set(options.strategy) - set(STRATEGIES)
        if unknown or not options.strategy:
            raise ValueError(f"strategy: one or several of {', '.join(STRATEGIES)}")
        if not options.request_timeout > 0:
            raise ValueError("request timeout: more than 0 seconds are needed")
        if not options.replay_for >= 0:
            raise ValueError("replay for: 0 seconds or more are needed")
        if not host:
            raise ValueError("host: the service's base URL is needed")
        return cls(
            host=host.rstrip("/"),
            strategies=tuple(name for name in STRATEGIES if name in options.strategy),
            users=numbers["num_users"],
            increments=numbers["increments"],
            by=numbers["by"],
            keys=options.keys,
            headers=headers_from(options.token_file),
        )

    @property
    def requested(self) -> int:
        """Increments of each strategy."""
        return self.users * self.increments

    @property
    def is_recorded(self) -> bool:
        """Whether histories are recorded: not those that would take more memory than anybody asked for."""
        return self.requested <= LONGEST

    def is_keyed(self, strategy: str) -> bool:
        """Tell whether a strategy's increments have idempotency keys."""
        return self.keys and takes_keys(strategy)

    def counter(self, strategy: str) -> str:
        """The id of the counter that a strategy's users increment."""
        return counter_id(self.run, strategy)


def counter_id(run: str, strategy: str) -> str:
    """Name the counter of a strategy in a run: master and workers have to agree on it."""
    return f"load-{run}-{strategy}"


def takes_keys(strategy: str) -> bool:
    """Tell whether the service takes idempotency keys for a strategy: it does where it can keep its word."""
    return STRATEGIES[strategy] is Promise.EXACT


def positive(text: str | int | None) -> int:
    """Parse a whole number from 1, for argparse.

    Raises:
        ArgumentTypeError: if it is something else.
    """
    try:
        number = int(text or 0)
    except ValueError:
        number = 0
    if number < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return number
