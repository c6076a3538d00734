"""Downloads that are checked before anyone may use them."""

import hashlib
import re
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from localnode.errors import SourceUnavailableError
from localnode.progress import Progress

# An unreachable host must cost seconds: there is a second source.
_TIMEOUT = urllib3.Timeout(connect=4, read=30)
_CHUNK = 1 << 18
_OK = 200


def read_checksum(url: str) -> str:
    """Return the SHA-512 that the small file at `url` holds, in the format of `sha512sum`.

    Raises:
        SourceUnavailableError: It is not there, or holds no checksum.
    """
    with _pool(url) as pool:
        try:
            answer = pool.request("GET", url, timeout=_TIMEOUT, retries=_retries())
        except urllib3.exceptions.HTTPError as error:
            raise SourceUnavailableError(f"{url} cannot be reached ({_cause(error)}).") from error
    if answer.status != _OK:
        raise SourceUnavailableError(f"{url} answered {answer.status}; nothing is used without its checksum.")
    match = re.match(rb"[0-9a-fA-F]{128}\b", answer.data)
    if match is None:
        raise SourceUnavailableError(f"{url} holds no SHA-512 checksum.")
    return match[0].decode().lower()


def download(url: str, target: Path, *, sha512: str, label: str) -> None:
    """Write what is at `url` to `target`, and check it.

    Args:
        url: Where it is.
        target: The file to write; half a file may be left there on an error.
        sha512: What its bytes must hash to, in lower-case hexadecimal.
        label: What the progress shown is called.

    Raises:
        SourceUnavailableError: It cannot be had whole, or hashes to something else.
        OSError: `target` cannot be written; the disk may be full.
    """
    digest = hashlib.sha512()
    done = 0
    with _pool(url) as pool, target.open("wb") as file:
        try:
            answer = pool.request("GET", url, timeout=_TIMEOUT, retries=_retries(), preload_content=False)
            if answer.status != _OK:
                raise SourceUnavailableError(f"{url} answered {answer.status}.")
            length = answer.headers.get("Content-Length")
            with Progress(label, float(length) if length else None) as progress:
                for chunk in answer.stream(_CHUNK, decode_content=False):
                    file.write(chunk)
                    digest.update(chunk)
                    done += len(chunk)
                    progress.update(done)
        except urllib3.exceptions.HTTPError as error:
            raise SourceUnavailableError(
                f"{url} broke off after {done:,} bytes ({_cause(error)})."
            ) from error
    if digest.hexdigest() != sha512:
        raise SourceUnavailableError(
            f"{url} does not match its SHA-512 checksum: the {done:,} bytes are not used."
        )


def _pool(url: str) -> urllib3.PoolManager:
    # urllib3 does not look for the proxy that HTTPS_PROXY or the system's settings name; urllib does.
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


def _retries() -> urllib3.Retry:
    return urllib3.Retry(total=None, connect=0, read=0, redirect=5, status=0, other=0)


def _cause(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    return str(reason if reason is not None else error)
