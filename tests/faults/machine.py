"""The state machine of the stateful test: what it may do next, and how it checks what came of it."""

import uuid
from collections import Counter
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

import hypothesis
import requests
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from service.strategies import STRATEGIES
from tests.api import Api
from tests.faults.asking import WELL, Fault, Item, Request, faults, new_key, told
from tests.faults.tcp_proxy import TcpProxy
from tests.faults.worlds import REMEMBERED, Problem, Said, Step, Untold, World, Worlds
from tests.strategies import EXACT

KEEPING: Final = st.sampled_from(EXACT)
ANY: Final = st.sampled_from(tuple(STRATEGIES))
AMOUNT: Final = st.integers(-3, 5)
COUNTER: Final = st.sampled_from(["a", "b"])
ITEM: Final = st.tuples(COUNTER, AMOUNT)
ITEMS: Final = st.lists(ITEM, min_size=1, max_size=3)
AGES: Final = st.sampled_from([0, 0, 0, 60_000])
"""Milliseconds by which a caller's clock is slow."""


ENVIRONMENT: Final = MappingProxyType(
    {
        "ELASTICSEARCH_TIMEOUT": "0.5",
        "REQUEST_TIMEOUT": "0.5",
        "IDEMPOTENCY_LOG_SIZE": f"{REMEMBERED}",
    }
)
"""The settings of a service that remembers as little as the model does, and waits briefly."""

BRIEF: Final = hypothesis.settings(
    max_examples=30,
    stateful_step_count=25,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
"""The same histories in every run; without shrinking, which would take as many runs again."""

THOROUGH: Final = hypothesis.settings(
    BRIEF, max_examples=60, stateful_step_count=40, derandomize=False, print_blob=True
)
"""Other histories in every run; one that fails is printed with what repeats it."""


class Machine(RuleBasedStateMachine):
    """Two counters, whoever asks for whatever of them, and everything that may happen meanwhile."""

    api: Api
    back: TcpProxy
    seen: Counter[str]

    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.prefix = f"machine-{uuid.uuid4().hex}-"
        self.worlds = {"a": Worlds(), "b": Worlds()}
        self.keyed: list[Request] = []

    @rule(target=sent, strategy=KEEPING, item=ITEM, age=AGES, fault=faults(keyed=True))
    def increment(self, strategy: str, item: Item, age: int, fault: Fault) -> Request:
        """Ask for an increment with a new key."""
        return self.first(Request(strategy, (item,), in_list=False, key=new_key(age)), fault)

    @rule(target=sent, strategy=KEEPING, items=ITEMS, age=AGES, fault=faults(keyed=True))
    def increment_each(self, strategy: str, items: list[Item], age: int, fault: Fault) -> Request:
        """Ask for a list of increments with a new key."""
        return self.first(Request(strategy, tuple(items), in_list=True, key=new_key(age)), fault)

    @rule(request=sent, fault=faults(keyed=True))
    def replay(self, request: Request, fault: Fault) -> None:
        """Send what was sent before, whatever has happened since."""
        self.send(request, fault)

    @rule(request=sent, item=ITEM, fault=faults(keyed=True))
    def reuse_key(self, request: Request, item: Item, fault: Fault) -> None:
        """Send something else, perhaps, under a key that was sent before."""
        self.send(replace(request, items=(item, *request.items[1:])), fault)

    @rule(strategy=ANY, item=ITEM, fault=faults(keyed=False))
    def increment_without_key(self, strategy: str, item: Item, fault: Fault) -> None:
        """Ask for an increment that nobody repeats."""
        self.send(Request(strategy, (item,), in_list=False), fault)

    @rule(strategy=ANY, items=ITEMS, fault=faults(keyed=False))
    def increment_each_without_key(self, strategy: str, items: list[Item], fault: Fault) -> None:
        """Ask for a list of increments that nobody repeats."""
        self.send(Request(strategy, tuple(items), in_list=True), fault)

    @rule(counter=COUNTER, value=AMOUNT, fault=faults(keyed=False))
    def set(self, counter: str, value: int, fault: Fault) -> None:
        """Set a counter."""
        answer = self.ask("PUT", f"/counters/{self.prefix}{counter}", {"value": value}, fault=fault)
        said = answer.json()["previous_value"] if answer.ok else told(answer.json())
        self.observe(counter, lambda world: world.set_to(value), said)

    @rule(counter=COUNTER, fault=faults(keyed=False))
    def delete(self, counter: str, fault: Fault) -> None:
        """Delete a counter."""
        answer = self.ask("DELETE", f"/counters/{self.prefix}{counter}", fault=fault)
        self.observe(counter, World.deleted, None if answer.ok else told(answer.json()))

    @rule(counter=COUNTER, fault=faults(keyed=False))
    def read(self, counter: str, fault: Fault) -> None:
        """Read a counter."""
        answer = self.ask("GET", f"/counters/{self.prefix}{counter}", fault=fault)
        self.observe(counter, World.read, told(answer.json()))

    def teardown(self) -> None:
        """In the end replay everything that had a key, once all is well: nothing that was settled changes any more."""
        for request in self.keyed:
            self.send(request, WELL)
        for counter in self.worlds:
            self.read(counter, WELL)

    def first(self, request: Request, fault: Fault) -> Request:
        """Send a request for the first time, and keep it."""
        self.keyed.append(request)
        self.send(request, fault)
        return request

    def send(self, request: Request, fault: Fault) -> None:
        """Send a request, and check what each of its increments is answered."""
        answer = self.ask("POST", *request.addressed(self.prefix), fault=fault, key=request.key)
        results = (
            answer.json()["results"]
            if request.in_list and answer.ok
            else [answer.json()] * len(request.items)
        )
        if not request.in_list:
            self.check_replayed(request, answer, fault)
        for (counter, asked), result in zip(request.asked(), results, strict=True):
            self.observe(counter, partial(World.incremented, asked=asked), told(result))

    def check_replayed(self, request: Request, answer: requests.Response, fault: Fault) -> None:
        """Fail unless an answer says of itself that it is a repetition where it must be, and only where it may."""
        [(counter, asked)] = request.asked()
        known = {asked.key != "" and world.knows(asked.key) for world in self.worlds[counter].possible}
        replayed = answer.headers.get("Idempotency-Replayed") == "true"
        if answer.ok:
            # A service that repeats what is lost recognises its own, and says so as well.
            assert replayed in known or (replayed and fault != WELL)
            self.seen["replayed"] += replayed

    def ask(
        self, method: str, path: str, body: object = None, *, fault: Fault, key: str = ""
    ) -> requests.Response:
        """Send a request while a fault strikes."""
        headers = {"Idempotency-Key": key} if key else {}
        with fault.strike(self.back):
            return self.api.request(method, path, json=body, headers=headers)

    def observe(self, counter: str, step: Step, said: Said | Untold) -> None:
        """Hold an answer against what the counter may be."""
        self.seen[said.name if isinstance(said, Problem | Untold) else "value"] += 1
        self.worlds[counter].observe(step, said)


def check(api: Api, back: TcpProxy, how: hypothesis.settings) -> Counter[str]:
    """Let a service go through histories, and return how often each kind of answer came about.

    Args:
        api: The service, with the settings of `ENVIRONMENT`.
        back: The proxy through which it reaches Elasticsearch.
        how: How many histories, and how long.

    Raises:
        AssertionError: An answer fits no possible world.
    """
    answers: Counter[str] = Counter()
    # Hypothesis makes its machines itself, of a class.
    here = type("Here", (Machine,), {"api": api, "back": back, "seen": answers})
    run_state_machine_as_test(here, settings=how)
    return answers
