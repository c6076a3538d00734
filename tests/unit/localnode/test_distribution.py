"""Where a distribution comes from, and what becomes of one that is no good."""

import multiprocessing
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localnode import distribution
from localnode.account import Account
from localnode.claim import Claim
from localnode.errors import LocalNodeError
from localnode.tarball import archive_name
from localnode.version import VERSION
from tests.unit.localnode.mirror import ARCHIVE, CHECKSUM, Mirror, archive

HOME = f"elasticsearch-{VERSION}"


def find(environ: dict[str, str]) -> distribution.Distribution:
    """Look for a distribution as a run would."""
    return distribution.find(Account.current(), environ)


def content_of_cache(environ: dict[str, str]) -> set[str]:
    """Return what is in the cache beside its lock."""
    return {path.name for path in Path(environ["LOCALNODE_CACHE"]).iterdir()} - {"lock"}


def test_unpacks_the_official_archive(mirror: Mirror, environ: dict[str, str]) -> None:
    """A good archive becomes a cached distribution with its own Java, and leaves nothing else."""
    mirror.publish(archive())

    found = find(environ)

    assert Path(environ["LOCALNODE_CACHE"], HOME) == found.home
    assert found.home / "jdk" / "bin" / "java" == found.java.binary
    assert {HOME} == content_of_cache(environ)


def test_opens_the_distribution_to_every_user(mirror: Mirror, environ: dict[str, str]) -> None:
    """Under the tightest umask too, the account that a node runs as may read and execute what it must."""
    mirror.publish(archive())
    before = os.umask(0o077)
    try:
        home = find(environ).home
    finally:
        os.umask(before)

    assert 0o755 == (home / "jdk" / "bin" / "java").stat().st_mode & 0o777
    assert 0o644 == (home / "config" / "jvm.options").stat().st_mode & 0o777
    assert Account.current().can_reach(home / "jdk" / "bin")


def test_fetches_once(mirror: Mirror, environ: dict[str, str]) -> None:
    """What is cached is not fetched again."""
    mirror.publish(archive())
    find(environ)
    mirror.requested.clear()

    find(environ)

    assert [] == mirror.requested


def test_fetches_once_for_two_runs_at_once(mirror: Mirror, environ: dict[str, str]) -> None:
    """Two runs that start side by side share one download."""
    mirror.publish(archive(padding=5_000_000))
    spawn = multiprocessing.get_context("spawn")
    runs = [spawn.Process(target=find, args=(environ,)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()

    assert [0, 0] == [run.exitcode for run in runs]
    assert [CHECKSUM, ARCHIVE] == mirror.requested


def test_keeps_nothing_of_a_wrong_archive(mirror: Mirror, environ: dict[str, str]) -> None:
    """An archive that does not match its checksum is not used, and the message names what may be done."""
    mirror.publish(archive())
    mirror.files[ARCHIVE] = archive(padding=64)

    with pytest.raises(LocalNodeError, match="does not match its SHA-512 checksum") as caught:
        find(environ)

    assert set() == content_of_cache(environ)
    assert "Set ELASTICSEARCH_URL to a running one, or ES_HOME" in str(caught.value)


def test_keeps_nothing_of_half_an_archive(mirror: Mirror, environ: dict[str, str]) -> None:
    """A download that breaks off never counts, and the next run starts afresh."""
    mirror.publish(archive(padding=100_000))
    mirror.cut[ARCHIVE] = 50_000
    with pytest.raises(LocalNodeError, match="broke off after"):
        find(environ)
    left = content_of_cache(environ)
    mirror.cut.clear()

    assert set() == left
    assert find(environ).home.is_dir()


def test_removes_what_a_killed_run_has_staged(mirror: Mirror, environ: dict[str, str]) -> None:
    """The staging folder of a run that was killed goes when the cache is filled."""
    mirror.publish(archive())
    Path(environ["LOCALNODE_CACHE"], "staging-killed").mkdir(parents=True)

    find(environ)

    assert {HOME} == content_of_cache(environ)


def test_leaves_what_the_guardian_of_a_killed_run_is_ending(mirror: Mirror, environ: dict[str, str]) -> None:
    """A staging folder that somebody holds is not touched, and does not stand in the way."""
    mirror.publish(archive())
    staged = Path(environ["LOCALNODE_CACHE"], "staging-killed")
    staged.mkdir(parents=True)

    with Claim(staged):
        find(environ)

    assert {HOME, "staging-killed"} == content_of_cache(environ)


def test_refuses_an_archive_of_something_else(mirror: Mirror, environ: dict[str, str]) -> None:
    """An archive without the version's folder is no distribution."""
    mirror.publish(archive(folder="elasticsearch-8.0.0"))

    with pytest.raises(LocalNodeError, match=f"holds no folder {HOME}"):
        find(environ)


def test_refuses_what_is_no_archive(mirror: Mirror, environ: dict[str, str]) -> None:
    """Bytes that match their checksum but are no archive are refused with a sentence."""
    mirror.publish(b"not an archive")

    with pytest.raises(LocalNodeError, match="cannot be unpacked"):
        find(environ)


def test_names_every_source_that_failed(mirror: Mirror, environ: dict[str, str]) -> None:
    """Where nothing serves, the message says of each source why."""
    with pytest.raises(LocalNodeError) as caught:
        find(environ)

    assert "official archive" in str(caught.value)
    assert "answered 404" in str(caught.value)
    assert "Maven artifact" in str(caught.value)


def test_prefers_es_home(mirror: Mirror, environ: dict[str, str]) -> None:
    """ES_HOME is taken before the cache, and nothing is fetched."""
    mirror.publish(archive())
    elsewhere = find(environ).home.rename(Path(environ["LOCALNODE_CACHE"], "elsewhere"))
    mirror.requested.clear()

    assert elsewhere == find({**environ, "ES_HOME": str(elsewhere)}).home
    assert [] == mirror.requested


def test_refuses_an_es_home_without_elasticsearch(environ: dict[str, str], passable: Path) -> None:
    """An ES_HOME that holds something else is named as the mistake."""
    with pytest.raises(LocalNodeError, match=r"ES_HOME is .* which holds no unpacked Elasticsearch"):
        find({**environ, "ES_HOME": str(passable)})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs nodes as someone else")
def test_refuses_an_es_home_that_the_account_cannot_reach(environ: dict[str, str], passable: Path) -> None:
    """An ES_HOME in a folder closed to the account of the node is refused before anything starts."""
    closed = passable / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(LocalNodeError, match="cannot reach: correct it or its permissions"):
        find({**environ, "ES_HOME": str(closed)})


@pytest.fixture
def small_disk(passable: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    disk = passable / "disk"
    disk.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["/bin/umount", disk], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_reports_a_full_disk(mirror: Mirror, environ: dict[str, str], small_disk: Path) -> None:
    """A disk that fills up while it downloads ends the search with what to do, and holds nothing after it."""
    mirror.publish(archive(padding=3_000_000))
    environ["LOCALNODE_CACHE"] = str(small_disk)

    with pytest.raises(LocalNodeError, match=r"is full: free about .* or set LOCALNODE_CACHE"):
        find(environ)

    assert set() == content_of_cache(environ)


def test_reports_a_cache_that_cannot_be_written(environ: dict[str, str]) -> None:
    """A cache folder that cannot be made is named, with the variable that moves it."""
    with pytest.raises(LocalNodeError, match="set LOCALNODE_CACHE to one that you may write to"):
        find({**environ, "LOCALNODE_CACHE": "/dev/null/cache"})


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("linux", "x86_64", f"elasticsearch-{VERSION}-linux-x86_64.tar.gz"),
        ("linux", "aarch64", f"elasticsearch-{VERSION}-linux-aarch64.tar.gz"),
        ("darwin", "arm64", f"elasticsearch-{VERSION}-darwin-aarch64.tar.gz"),
        ("darwin", "x86_64", f"elasticsearch-{VERSION}-darwin-x86_64.tar.gz"),
    ],
)
def test_knows_the_archive_of_each_system(system: str, machine: str, name: str) -> None:
    """Each system and machine that Elastic builds for has its archive."""
    assert name == archive_name(system, machine)


@pytest.mark.parametrize(("system", "machine"), [("linux", "riscv64"), ("win32", "AMD64")])
def test_knows_where_there_is_no_archive(system: str, machine: str) -> None:
    """A system that Elastic does not build for is told so, without a request that must fail."""
    with pytest.raises(LocalNodeError, match="publishes no archive"):
        archive_name(system, machine)
