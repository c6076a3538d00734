"""Where caches and data are."""

import os
import tempfile
from pathlib import Path

import pytest

from localnode import places
from localnode.account import Account
from localnode.errors import LocalNodeError


def test_keeps_the_cache_where_it_is_told(tmp_path: Path) -> None:
    """LOCALNODE_CACHE is the only cache then."""
    assert (tmp_path,) == places.caches({"LOCALNODE_CACHE": str(tmp_path), "XDG_CACHE_HOME": "/elsewhere"})


@pytest.mark.skipif(os.geteuid() != 0, reason="this is about root")
def test_keeps_the_cache_of_root_where_others_can_read_it() -> None:
    """Root's cache is the system's, not in root's home."""
    (cache,) = places.caches({"HOME": "/home/someone", "XDG_CACHE_HOME": "/home/someone/.cache"})

    assert not cache.is_relative_to("/home/someone")


def test_keeps_data_in_the_project(passable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that stay between runs are in the current folder, which git ignores."""
    monkeypatch.chdir(passable)

    assert passable / ".localnode" / "data" == places.default_data_dir(Account.current())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs nodes as someone else")
def test_keeps_data_elsewhere_if_the_account_cannot_reach_the_project(
    passable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project in a closed folder, such as root's home, has its data beside the cache, always in the same place."""
    closed = passable / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.chdir(closed)
    environ = {"LOCALNODE_CACHE": str(passable / "cache")}

    folder = places.default_data_dir(Account.current(), environ)

    assert passable / "cache" / "data" == folder.parent
    assert folder == places.default_data_dir(Account.current(), environ)


def test_makes_folders_that_others_can_pass_through(tmp_path: Path) -> None:
    """Under the tightest umask too, the account of a node can pass through to its own folder."""
    before = os.umask(0o077)
    try:
        places.make_passable(tmp_path / "a" / "b")
    finally:
        os.umask(before)

    assert 0o711 == (tmp_path / "a").stat().st_mode & 0o777
    assert 0o711 == (tmp_path / "a" / "b").stat().st_mode & 0o777


def test_trusts_no_temporary_folder_of_someone_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that someone has put where our temporary folder goes is not followed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"es-counters-{os.geteuid()}").symlink_to("/etc")

    with pytest.raises(LocalNodeError, match="belongs to someone else"):
        places.temporary()
