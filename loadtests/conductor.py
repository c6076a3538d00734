"""Tells Locust's master what to do when: each strategy in turn, then the verdict.

One strategy after the other, each with all its users at once: side by side they would share the service's
CPU, and no figure would be one strategy's own. Nothing here runs on a worker.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from time import monotonic

from locust import User
from locust.env import Environment
from locust.runners import MasterRunner, Runner

from loadtests.counters import CounterUnavailableError
from loadtests.options import options_of
from loadtests.plan import Plan
from loadtests.report import Report
from loadtests.run import Run
from loadtests.tally import Ledger
from loadtests.verdict import Observation

PATIENCE = 10.0
"""Seconds without a running user after which a strategy is over, however few users reported to be done.
More than two of the intervals of 3 s at which Locust's workers report."""

Step = tuple[int, float] | tuple[int, float, list[type[User]] | None]
"""What Locust's load shapes return: how many users, how many of them to start a second, of which class."""

log = logging.getLogger(__name__)


class CutShortError(Exception):
    """The run can't begin, or go on to its end; the message says why."""


class Conductor:
    """Plays runs, as often as Locust starts one."""

    def __init__(
        self,
        environment: Environment,
        runner: Runner,
        *,
        ledger: Ledger,
        users: Mapping[str, type[User]],
        publish: Callable[[Report], None],
    ) -> None:
        """Prepare to play.

        Args:
            environment: Locust's. Its exit code is 1 from now on, and 0 only after a verdict that holds.
            runner: Locust's, local or master.
            ledger: what this process and its workers count.
            users: the class that drives each strategy.
            publish: is handed each run's report, once.
        """
        self._environment = environment
        self._runner = runner
        self._options = options_of(environment)
        self._ledger = ledger
        self._users = users
        self._publish = publish
        self._run: Run | None = None
        self._steps: Iterator[Step] | None = None
        self._problem: str | None = None
        self._deadline: float | None = None
        self._concluding = Lock()
        environment.process_exit_code = 1

    def tick(self) -> Step | None:
        """Say what Locust is to do now; None ends the run. Locust asks once a second."""
        if self._steps is None:
            self._steps = self._play()
        step = next(self._steps, None)
        if step is None:
            self._steps = None
        return step

    def observe(self) -> tuple[Observation, ...]:
        """What has been seen of the run under way; nothing if there is none."""
        return () if self._run is None else self._run.observe()

    def conclude(self, problem: str | None = None) -> None:
        """Judge the run under way and publish its report; do nothing if there is none.

        Args:
            problem: why it ends before its time, if it does.
        """
        with self._concluding:  # SIGTERM's greenlet and the main one may both get here
            if self._run is None:
                return
            report = self._run.finish(problem, keep_counters=self._options.keep_counters)
            self._publish(report)
            self._environment.process_exit_code = 0 if report.holds else 1
            self._run = self._steps = self._problem = None

    def stopped(self) -> None:
        """Conclude the run under way, if there is one, because its users were stopped."""
        self.conclude(self._problem or "the run was stopped before its end")

    def _play(self) -> Iterator[Step]:
        self._environment.process_exit_code = 1
        try:
            plan = Plan.from_options(self._options, host=self._environment.host)
        except ValueError as error:
            log.warning("Nothing to run: %s", error)
            return
        # Locust sends the options that aren't its own to the workers.
        self._options.run, self._options.recorded = plan.run, plan.is_recorded
        # With a load shape, Locust leaves its --run-time to the shape.
        self._deadline = monotonic() + self._options.run_time if self._options.run_time else None
        self._run = Run(plan, ledger=self._ledger, percentile=self._percentile)
        try:
            crew = self._assemble(self._options.expect_workers)
            self._run.begin()
        except (CutShortError, CounterUnavailableError) as error:
            self.conclude(str(error))
            return
        try:
            for turn, strategy in enumerate(plan.strategies):
                if turn > 0:
                    # Locust doesn't notice that users end by themselves: unless it is told that there are
                    # none any more, it takes the next strategy's for the ones it has.
                    yield 0, float(plan.users)
                yield from self._drive(plan, strategy, crew)
                self._run.read(strategy)
        except CutShortError as error:
            self._problem = str(error)  # Locust stops the users first, and then has the run concluded
        else:
            self.conclude()

    def _drive(self, plan: Plan, strategy: str, crew: frozenset[str]) -> Iterator[Step]:
        """Keep one strategy's users going until all have reported to be done."""
        # All users in one go. Were they started bit by bit, Locust would start those again that are already
        # done. (And the figures would be those of a ramp.)
        step = plan.users, float(plan.users), [self._users[strategy]]
        last_seen = monotonic()
        while self._ledger.total(strategy).users_done < plan.users:
            if self._crew() != crew:
                raise CutShortError("workers left or joined during the run")
            if self._deadline is not None and monotonic() > self._deadline:
                raise CutShortError("the time limit was reached")
            if self._runner.user_count:
                last_seen = monotonic()
            elif monotonic() - last_seen > PATIENCE:
                log.error("/%s: users ended without reporting it", strategy)
                return
            yield step

    def _assemble(self, expected: int) -> frozenset[str]:
        crew = self._crew()
        if isinstance(self._runner, MasterRunner) and len(crew) < expected:
            raise CutShortError(f"{len(crew)} of {expected} workers are ready")
        return crew

    def _crew(self) -> frozenset[str]:
        """The ids of the workers that are alive; none without workers."""
        if not isinstance(self._runner, MasterRunner):
            return frozenset()
        clients = self._runner.clients
        return frozenset(worker.id for worker in clients.ready + clients.spawning + clients.running)

    def _percentile(self, strategy: str, fraction: float) -> float | None:
        entry = self._environment.stats.entries.get((request_name(strategy), "POST"))
        return entry.get_response_time_percentile(fraction) if entry is not None else None


def request_name(strategy: str) -> str:
    """The name under which Locust's statistics group a strategy's requests."""
    return f"/{strategy}/{{id}}"
