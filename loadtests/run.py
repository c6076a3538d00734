"""One run in progress: its counters are set to 0, read after the load, judged, and deleted."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from loadtests.counters import Counters, CounterUnavailableError
from loadtests.linearizability import Answer, Finding, check
from loadtests.operations import History
from loadtests.plan import Plan
from loadtests.recording import LONGEST
from loadtests.report import Report
from loadtests.tally import Ledger
from loadtests.verdict import Observation, judge

log = logging.getLogger(__name__)


class Run:
    """What the load knows nothing of: the counters before and after it."""

    def __init__(
        self, plan: Plan, *, ledger: Ledger, percentile: Callable[[str, float], float | None]
    ) -> None:
        """Take note of what is to be done; nothing is sent yet.

        Args:
            plan: what is to be done.
            ledger: what the users count.
            percentile: gives a strategy's response time in milliseconds at a fraction from 0 to 1, or None.
        """
        self.plan = plan
        self._ledger = ledger
        self._percentile = percentile
        self._stored: dict[str, int | CounterUnavailableError] = {}
        self._begun = False

    def begin(self) -> None:
        """Set every counter to 0.

        Raises:
            CounterUnavailableError: if one couldn't be; then no load may follow.
        """
        self._ledger.open(self.plan.run)
        with Counters(self.plan.host, self.plan.headers) as counters:
            for strategy in self.plan.strategies:
                counters.reset(self.plan.counter(strategy))
        self._begun = True

    def read(self, strategy: str) -> None:
        """Read a strategy's counter, once all its users are done; the verdict says if it can't be read."""
        with Counters(self.plan.host, self.plan.headers) as counters:
            try:
                self._stored[strategy] = counters.read(self.plan.counter(strategy))
            except CounterUnavailableError as error:
                self._stored[strategy] = error

    def finish(self, problem: str | None = None, *, keep_counters: bool = False) -> Report:
        """Read what hasn't been read, judge, and delete the counters.

        Args:
            problem: why the run ends before its time, if it does.
            keep_counters: leave the counters where they are.
        """
        if self._begun:
            for strategy in self.plan.strategies:
                if strategy not in self._stored:
                    self.read(strategy)
        if not keep_counters:
            self._delete()
        seen = self.observe()
        histories = {one.strategy: self._history(one) for one in seen} if self.plan.is_recorded else {}
        return Report(
            plan=self.plan,
            verdicts=tuple(judge(replace(one, order=_order(histories.get(one.strategy)))) for one in seen),
            finished=datetime.now(UTC),
            problem=problem,
            histories=histories,
        )

    def observe(self) -> tuple[Observation, ...]:
        """What has been seen so far; nothing if the run couldn't begin."""
        return tuple(self._observe(strategy) for strategy in self.plan.strategies) if self._begun else ()

    def _observe(self, strategy: str) -> Observation:
        tally = self._ledger.total(strategy)
        stored = self._stored.get(strategy)
        return Observation(
            strategy=strategy,
            users=self.plan.users,
            increments=self.plan.increments,
            requested=tally.requested,
            acknowledged=tally.acknowledged,
            failed=tally.failed,
            unknown=tally.unknown,
            malformed=tally.malformed,
            acknowledged_amount=tally.acknowledged_amount,
            unknown_amount=tally.unknown_amount,
            stored=stored if isinstance(stored, int) else None,
            keyed=self.plan.is_keyed(strategy),
            resolved=tally.resolved,
            replays=tally.replays,
            conflicts=tally.conflicts,
            seconds=tally.seconds,
            p50=self._percentile(strategy, 0.50),
            p95=self._percentile(strategy, 0.95),
            p99=self._percentile(strategy, 0.99),
            problem=str(stored) if isinstance(stored, CounterUnavailableError) else None,
        )

    def _history(self, seen: Observation) -> History:
        operations = self._ledger.operations(seen.strategy, by=self.plan.by)
        return History(
            operations=operations,
            initial=0,
            final=seen.stored,
            missing=max(self.plan.requested, seen.requested) - len(operations),
        )

    def _delete(self) -> None:
        with Counters(self.plan.host, self.plan.headers) as counters:
            try:
                for strategy in self.plan.strategies:
                    counters.delete(self.plan.counter(strategy))
            except CounterUnavailableError as error:
                # Untidy, but no reason to doubt the verdict: no other run will use these names.
                log.warning("Counters load-%s-* are left behind: %s", self.plan.run, error)


def _order(history: History | None) -> Finding:
    if history is None:
        reason = f"histories of more than {LONGEST} increments are not recorded"
        return Finding(answer=Answer.NOT_CHECKED, reason=reason)
    return check(history)
