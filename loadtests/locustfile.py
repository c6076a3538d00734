"""Drives the counter service with Locust and judges the counters: see README.md beside this file.

``--users`` is the number of users of each strategy; the strategies take turns.
"""

import logging
import signal
import sys
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from time import time
from typing import Any, ClassVar

from locust import FastHttpUser, LoadTestShape, events, task
from locust.env import Environment
from locust.event import EventHook
from locust.exception import StopUser
from locust.runners import MasterRunner, Runner, WorkerRunner
from locust.web import WebUI
from uuid_utils import uuid7

from loadtests import clock
from loadtests.conductor import Conductor, Step, request_name
from loadtests.credentials import headers_from
from loadtests.options import add_options, options_of
from loadtests.outcomes import Answer, Increment, Outcome, from_error, from_reply
from loadtests.plan import counter_id, takes_keys
from loadtests.publish import Publisher
from loadtests.replays import Patience, settle
from loadtests.tally import Ledger
from loadtests.webui import add_verdict

ledger = Ledger()
"""What this process counts and, on a master, what its workers report."""


class CounterUser(FastHttpUser):
    """Makes exactly ``--increments`` increments of its strategy's counter, without a pause."""

    abstract = True
    strategy: ClassVar[str]
    # A request that is repeated unasked would look like a service that counts twice. Whatever stands here, the HTTP
    # client repeats requests on broken connections, but no POST among them; the tests count what arrives.
    max_retries = 0
    insecure = False  # a load test that accepts any certificate may be testing anybody's service

    def __init__(self, environment: Environment) -> None:
        options = options_of(environment)
        self.network_timeout = self.connection_timeout = options.request_timeout
        self.default_headers = headers_from(options.token_file)
        self.host = (environment.host or "").rstrip("/")  # the service doesn't merge slashes
        super().__init__(environment)
        # The client has to hand over every reply, whatever its status: what a 503 means stands in its body.
        self.client.client.valid_response_codes = (  # type: ignore[misc]  # the class's would be everybody's
            frozenset(range(HTTPStatus.OK, 600))
        )
        self.left: int = options.increments
        self.asked = Increment(
            counter=counter_id(options.run, self.strategy), strategy=self.strategy, by=options.by
        )
        ledger.open(options.run)
        self.tally = ledger.own(self.strategy)
        self.recording = ledger.recording(self.strategy) if options.recorded else None
        keyed = options.keys and takes_keys(self.strategy)
        self.patience = Patience(seconds=options.replay_for) if keyed else None

    @task
    def increment(self) -> None:
        """Make one increment, or end after the last one."""
        if self.left == 0:
            raise StopUser
        self.left -= 1
        # Whatever happens from here on, a killed user included, the request may have been applied.
        answer = Answer(outcome=Outcome.UNKNOWN, complaint="unknown: given up")
        sent, start = time(), clock.now()
        try:
            answer = self._ask() if self.patience is None else self._ask_until_settled(self.patience)
        finally:
            end = clock.now()
            self.tally.record(answer, by=self.asked.by, sent=sent, ended=time())
            if self.recording is not None:
                self.recording.record(answer, start=start, end=end)

    def on_stop(self) -> None:
        """Note that this user is done, by itself or because it was stopped."""
        self.tally.users_done += 1

    def _ask_until_settled(self, patience: Patience) -> Answer:
        key = {"Idempotency-Key": f'"{uuid7()}"'}
        return settle(lambda: self._ask(key), patience)

    def _ask(self, headers: dict[str, str] | None = None) -> Answer:
        with self.client.post(
            f"/{self.strategy}/{self.asked.counter}",
            json={"by": self.asked.by},
            headers=headers,
            name=request_name(self.strategy),
            catch_response=True,
            allow_redirects=False,
        ) as response:
            error = response.request_meta["exception"]
            if error is None:
                content_type = (response.headers or {}).get("content-type", "")
                answer = from_reply(response.status_code, content_type, response.content, self.asked)
            else:
                answer = from_error(error)
            if answer.complaint:
                response.failure(answer.complaint)
            return answer


class NaiveUser(CounterUser):
    """Reads, adds, writes: may lose updates."""

    strategy = "naive"


class OccUser(CounterUser):
    """Reads, adds, writes if nothing changed in between: must be exact."""

    strategy = "occ"


class ScriptedUser(CounterUser):
    """Lets Elasticsearch add: must be exact."""

    strategy = "scripted"


class BatchedUser(CounterUser):
    """Lets Elasticsearch add for all who wait at once: must be exact."""

    strategy = "batched"


class InTurn(LoadTestShape):
    """One strategy after the other."""

    use_common_options = True
    conductor: ClassVar[Conductor]

    def tick(self) -> Step | None:
        """Say what Locust is to do now; None ends the run."""
        return self.conductor.tick()


def prepare(environment: Environment, runner: Runner, web_ui: WebUI | None, **_: Any) -> None:
    """Wire everything, once Locust has its runner; on a worker, users and tallies are all there is."""
    options = options_of(environment)
    if isinstance(runner, WorkerRunner):
        listen(events.report_to_master, report)
        return
    if options.class_picker:
        sys.exit("--class-picker would bypass the verdict. Use --strategy, which the web UI offers as well.")
    # Locust would print its own tables at any level.
    logging.getLogger("locust.stats_logger").setLevel(options.loglevel)
    # Without its web UI, Locust handles SIGTERM only after a load shape's end. Until then, let it act like
    # Ctrl-C: the run is judged by what was seen, and its counters are deleted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    publisher = Publisher(environment, Path(options.output))
    users = {user.strategy: user for user in CounterUser.__subclasses__()}
    conductor = Conductor(environment, runner, ledger=ledger, users=users, publish=publisher.publish)
    InTurn.conductor = conductor
    if web_ui is not None and web_ui.app is not None:
        add_verdict(
            web_ui,
            web_ui.app,
            base_path=options.web_base_path,
            under_way=conductor.observe,
            last=lambda: publisher.last,
        )

    def users_stopped(**_: Any) -> None:
        # A master without web UI hears its workers' last totals after this event, but before it quits.
        if not (isinstance(runner, MasterRunner) and options.headless):
            conductor.stopped()

    def quitting(**_: Any) -> None:
        runner.stop()
        conductor.stopped()

    listen(events.worker_report, lambda client_id, data, **_: ledger.accept(client_id, data["ledger"]))
    listen(events.test_stop, users_stopped)
    listen(events.quitting, quitting)
    listen(events.quit, lambda **_: publisher.flush())


def report(data: dict[str, Any], **_: Any) -> None:
    """Add this worker's tallies to what it is about to send to its master."""
    data["ledger"] = ledger.export()


def listen(hook: EventHook, handler: Callable[..., None]) -> None:
    """Have one of Locust's events call a function."""
    hook.add_listener(handler)  # type: ignore[no-untyped-call]  # Locust leaves its hooks untyped


listen(events.init_command_line_parser, add_options)
listen(events.init, prepare)
