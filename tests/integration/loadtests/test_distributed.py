"""Several processes: their tallies add up, and none of them can get lost unnoticed."""

from pathlib import Path

from tests.integration.loadtests.lying_service import Lie, serving
from tests.integration.loadtests.running import Load, free_port, run


def test_totals_of_two_processes(tmp_path: Path) -> None:
    """With ``--processes`` each request of each process is in the verdict once."""
    port = str(free_port())
    with serving() as service:
        finished = run(
            "--host", service.url, "--processes", "2", "--users", "5", "--increments", "20",
            "--strategy", "occ", "naive", "--master-bind-host", "127.0.0.1",
            "--master-bind-port", port, "--master-port", port, output=tmp_path,
        )  # fmt: skip

    assert (0, 200) == (finished.exit_code, service.increments)
    assert ["naive", "occ"] == list(finished.strategies)
    for entry in finished.strategies.values():
        assert (100, 100, 100) == (entry["requested"], entry["acknowledged"], entry["stored"])
        assert entry["latency_ms"]["p50"] is not None
        assert "linearizable" == entry["linearizability"]["answer"]


def test_a_worker_is_killed(tmp_path: Path) -> None:
    """A worker that dies takes tallies with it: the run ends at once, and not with 0."""
    port = str(free_port())
    with serving(Lie.STALLS) as service:
        master = Load(
            "--host", service.url, "--stop-timeout", "1", "--master", "--expect-workers", "2",
            "--master-bind-host", "127.0.0.1", "--master-bind-port", port, output=tmp_path,
        )  # fmt: skip
        workers = [Load("--worker", "--master-port", port, output=tmp_path) for _ in range(2)]
        service.wait_for_increments(15)
        workers[0].process.kill()
        finished = master.finish()
        for worker in workers:
            worker.finish()

    assert (1, False) == (finished.exit_code, finished.document["holds"])
    assert finished.document["problem"] == "workers left or joined during the run"


def test_sigterm_reaches_every_process(tmp_path: Path) -> None:
    """Told to end, the master judges by what its workers last counted, and nothing goes on running."""
    port = str(free_port())
    with serving(Lie.STALLS) as service:
        load = Load(
            "--host", service.url, "--stop-timeout", "0", "--processes", "2", "--master-bind-host",
            "127.0.0.1", "--master-bind-port", port, "--master-port", port, output=tmp_path,
        )  # fmt: skip
        service.wait_for_increments(15)
        load.process.terminate()
        finished = load.finish()

    entry = finished.strategies["naive"]
    assert (1, 15, 10) == (finished.exit_code, entry["requested"], entry["acknowledged"])
    assert finished.document["problem"] == "the run was stopped before its end"
