"""Downloads are used whole and checked, or not at all."""

import errno
import socket
from pathlib import Path

import pytest

from localnode.download import download, read_checksum
from localnode.errors import SourceUnavailableError
from tests.unit.localnode.mirror import ARCHIVE, CHECKSUM, Mirror, archive


def test_stores_what_matches_its_checksum(mirror: Mirror, tmp_path: Path) -> None:
    """A file that hashes to what its checksum says is there, byte for byte."""
    content = archive(padding=1_000_000)
    mirror.publish(content)
    expected = read_checksum(mirror.url + CHECKSUM)

    download(mirror.url + ARCHIVE, tmp_path / "file", sha512=expected, label="Downloading")

    assert content == (tmp_path / "file").read_bytes()


def test_refuses_other_bytes(mirror: Mirror, tmp_path: Path) -> None:
    """A file that hashes to something else is refused."""
    mirror.publish(archive())

    with pytest.raises(SourceUnavailableError, match="does not match its SHA-512 checksum"):
        download(mirror.url + ARCHIVE, tmp_path / "file", sha512="0" * 128, label="Downloading")


def test_notices_a_cut_connection(mirror: Mirror, tmp_path: Path) -> None:
    """A connection that closes before the announced length is an error that says how far it came."""
    mirror.publish(archive(padding=100_000))
    mirror.cut[ARCHIVE] = 65_536
    expected = read_checksum(mirror.url + CHECKSUM)

    with pytest.raises(SourceUnavailableError, match=r"broke off after 65,536 bytes"):
        download(mirror.url + ARCHIVE, tmp_path / "file", sha512=expected, label="Downloading")


def test_passes_a_full_disk_on(mirror: Mirror) -> None:
    """A target without space raises the system's own error: another source would not fit either."""
    mirror.publish(archive())
    expected = read_checksum(mirror.url + CHECKSUM)

    with pytest.raises(OSError, match="No space left") as caught:
        download(mirror.url + ARCHIVE, Path("/dev/full"), sha512=expected, label="Downloading")

    assert errno.ENOSPC == caught.value.errno


def test_refuses_a_file_without_checksum(mirror: Mirror) -> None:
    """Where there is no checksum, nothing is used."""
    with pytest.raises(SourceUnavailableError, match="answered 404; nothing is used without its checksum"):
        read_checksum(mirror.url + CHECKSUM)


def test_refuses_a_checksum_that_is_none(mirror: Mirror) -> None:
    """A page where the checksum should be, as a captive portal sends it, is not taken for one."""
    mirror.files[CHECKSUM] = b"<html>Please log in</html>"

    with pytest.raises(SourceUnavailableError, match="holds no SHA-512 checksum"):
        read_checksum(mirror.url + CHECKSUM)


def test_gives_up_on_a_host_that_refuses() -> None:
    """A host that cannot be reached is reported with the cause."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(SourceUnavailableError, match="Connection refused"):
        read_checksum(f"http://127.0.0.1:{port}/file.sha512")


def test_goes_through_the_proxy_of_the_environment(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a proxy is set, the host itself is not asked."""
    monkeypatch.setenv("http_proxy", mirror.url)
    address = "http://downloads.invalid/elasticsearch.sha512"
    mirror.files[address] = b"ab" * 64

    assert "ab" * 64 == read_checksum(address)
