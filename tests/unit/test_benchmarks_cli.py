"""The command line of the benchmarks, and the order in which they measure."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner

from benchmarks import cli, load, profiling, report, stand, targets, watching
from benchmarks.cli import main
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell, Results
from benchmarks.running import Plan, closed_loops, constant_rates
from benchmarks.stand import counter_ids
from service.strategies import STRATEGIES
from tests.measurements import ABOUT, measured

PLAN = Plan(connections=(1, 8), workers=(1, 2), counters=(1, 1000), percents=(50, 90), repeats=2)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--connections", "0"),
        ("--connections", "1,x"),
        ("--workers", "65"),
        ("--percents", "101"),
        ("--seconds", "0"),
    ],
)
def test_bad_input_is_refused_with_its_name(option: str, value: str) -> None:
    """Before anything is started."""
    result = CliRunner().invoke(main, ["run", option, value])

    assert result.exit_code == 2
    assert option in result.output


@pytest.mark.parametrize("command", ["run", "soak"])
def test_an_elasticsearch_that_does_not_answer_is_named(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a sentence, without a traceback."""
    monkeypatch.setenv("ELASTICSEARCH_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(stand, "LOGS", tmp_path)
    for name in ("wrk", "version"):
        monkeypatch.setattr(load, name, str)

    result = CliRunner().invoke(main, [command])

    assert result.exit_code == 1
    assert "that ELASTICSEARCH_URL names could not be asked: Connection error\n" in result.output


def test_a_warm_up_that_leaves_no_time_is_refused() -> None:
    """Nothing would be measured."""
    result = CliRunner().invoke(main, ["run", "--seconds", "1", "--warm-up", "1"])

    assert result.exit_code == 2
    assert "must be shorter" in result.output


@pytest.fixture
def everything_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs that a run takes, and an Elasticsearch: none is looked for, nor started."""
    monkeypatch.setenv("ELASTICSEARCH_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(load, "wrk", str)
    for program in ("redis_program", "postgres_programs"):
        monkeypatch.setattr(cli, program, str)


@pytest.mark.usefixtures("everything_is_there")
@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        ([], "MAX_WAITING=9 make bench"),
        (["--quick"], "MAX_WAITING=9 make bench QUICK=1"),
        (
            ["--peers", "--repeats", "5", "--workers", "2,1"],
            'MAX_WAITING=9 make bench-peers OPTIONS="--workers 1,2 --repeats 5"',
        ),
    ],
)
def test_a_run_keeps_what_was_typed(
    arguments: list[str], typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left to its default is left out; a setting of the service from the environment is a part of it."""
    commands: list[str] = []

    def run(*_: Any, command: str, **__: Any) -> NoReturn:
        commands.append(command)
        raise BenchmarkError("That is all.")

    monkeypatch.setattr(cli, "run", run)
    for name in cli.TUNING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MAX_WAITING", "9")

    CliRunner().invoke(main, ["run", *arguments])

    assert [typed] == commands


@pytest.mark.usefixtures("everything_is_there")
@pytest.mark.parametrize(("command", "module"), [("profile", profiling), ("profile-slowest", watching)])
def test_each_profile_has_a_command(command: str, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And does nothing else."""
    called: list[str] = []
    for each in (profiling, watching):
        monkeypatch.setattr(each, "main", partial(called.append, each.__name__))

    result = CliRunner().invoke(main, [command])

    assert (0, [module.__name__]) == (result.exit_code, called)


@pytest.mark.usefixtures("everything_is_there")
@pytest.mark.parametrize(
    ("target", "wrong", "code"),
    [("batched", "lost", 1), ("batched", "doubled", 1), ("naive", "lost", 0), ("batched", None, 0)],
)
def test_a_run_fails_if_anything_is_wrong_that_must_not_be(
    target: str, wrong: str | None, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A strategy that may lose is measured, and no failure."""
    cell = Cell(workers=1, connections=1, counters=1)
    made = measured(target, cell, lost=int(wrong == "lost"), doubled=int(wrong == "doubled"))
    monkeypatch.setattr(cli, "run", lambda *_, **__: Results([made], [target], ABOUT))
    monkeypatch.setattr(report, "RUN", tmp_path / "bench.json")

    result = CliRunner().invoke(main, ["run"])

    assert code == result.exit_code, result.output
    assert (code == 1) is ("lost or doubled, for the first time here" in result.output)


def test_every_strategy_is_measured() -> None:
    """Also one that is added to the service tomorrow."""
    measured = {target.path for target in targets.of_the_service() if target.app is targets.SERVICE}

    assert set(STRATEGIES) == measured


def test_only_the_naive_strategy_may_lose() -> None:
    """All others are held to what they acknowledged."""
    assert ["naive"] == [target.name for target in targets.of_the_service() if not target.exact]


def test_everything_is_measured_once_before_anything_is_measured_again() -> None:
    """So that what disturbs the machine for a while disturbs all targets."""
    chosen = targets.strategies()
    steps = list(closed_loops(chosen, PLAN))

    half = len(steps) // 2
    assert [1] * half + [2] * half == [step.repeat for step in steps]
    assert {(step.target, step.cell) for step in steps[:half]} == {
        (step.target, step.cell) for step in steps[half:]
    }
    assert half == len(chosen) * 2 * 2 * 2


def test_targets_take_turns_within_a_cell() -> None:
    """What is compared is measured within seconds."""
    chosen = targets.strategies()
    steps = list(closed_loops(chosen, PLAN))

    for start in range(0, len(steps), len(chosen)):
        cells = {step.cell for step in steps[start : start + len(chosen)]}

        assert len(cells) == 1


def test_of_two_targets_neither_always_comes_first() -> None:
    """What was measured before may still keep a store busy: each second round is the last one's, backwards."""
    chosen = targets.of_the_service()
    rounds: dict[tuple[Cell, int], list[str]] = {}
    for step in closed_loops(chosen, replace(PLAN, repeats=4)):
        rounds.setdefault((step.cell, step.repeat), []).append(step.target.name)

    for cell in {cell for cell, _ in rounds}:
        first, second, third, fourth = (rounds[cell, repeat] for repeat in (1, 2, 3, 4))

        assert second == first[::-1]
        assert fourth == third[::-1]
        assert first not in (third, fourth)


def test_what_stands_aside_is_measured_on_a_hot_counter_only() -> None:
    """And not at constant rates."""
    aside = [targets.STACK, targets.LOGGING_STACK, *targets.with_keys()]
    steps = list(closed_loops(aside, PLAN))

    assert {1} == {step.cell.counters for step in steps}
    assert [] == list(constant_rates(aside, PLAN))


def test_constant_rates_are_parts_of_the_maximum_with_most_connections() -> None:
    """On a hot counter, with each number of workers."""
    cells = {step.cell for step in constant_rates(targets.strategies(), PLAN)}

    assert cells == {
        Cell(workers=workers, connections=8, counters=1, share=share)
        for workers in (1, 2)
        for share in (0.5, 0.9)
    }


def test_no_two_targets_share_a_counter() -> None:
    """Or what one has lost would be laid to the other."""
    chosen = [*targets.of_the_service(), *targets.peers()]
    cells = [Cell(workers=workers, connections=1, counters=3) for workers in (1, 2)]
    ids = {(target, cell): counter_ids(target, cell) for target in chosen for cell in cells}

    named = [each for every in ids.values() for each in every]

    assert len(named) == len(set(named))
