"""Every setting of the service, read from the environment and checked once.

Nothing else in the package reads the environment. Each setting can also come from a file whose path stands in
``NAME_FILE``, as secrets in containers do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from environs import EnvError, EnvValidationError, FileAwareEnv
from marshmallow.validate import Length, OneOf, Range, Regexp

from service import tracing
from service.access import Token, parse_tokens
from service.retries import Retries

NOT_NEGATIVE: Final = Range(min=0)
POSITIVE: Final = Range(min=0, min_inclusive=False)
AT_LEAST_ONE: Final = Range(min=1)

MAX_THREADS: Final = 1024
"""How many threads a worker may have."""

WINDING_UP: Final = 3
"""Seconds of a shutdown in which connections get through that are being made, and answers that are being sent."""

MAX_LOG_SIZE: Final = 10_000
"""How many operations a counter may remember: some 600 kB, which are read and written with every increment."""

HTTP_URL: Final = Regexp(
    r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}(/[^\s?#]*)?\Z",
    error="Must be a URL with a port and without user and password, such as https://localhost:9200.",
)
ENCODED_KEY: Final = Regexp(
    r"[A-Za-z0-9+/=_-]+\Z", error="Must be a single API key in its encoded form, in Base64."
)
"""What goes into a header. A line break there makes an error out of every call, whose text has the key in it."""

INDEX_NAME: Final = Regexp(r"[a-z0-9][a-z0-9_.-]{0,99}\Z", error="Must be a lower-case index name.")


NOT_A: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Not a valid boolean.": "Must be true or false.",
        "Not a valid integer.": "Must be a whole number.",
        "Not a valid number.": "Must be a number.",
    }
)
"""What is to be said where marshmallow only says what a value is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service is told from outside; the README's table says what each setting is for.

    Times are in seconds.
    """

    elasticsearch_url: tuple[str, ...] = ("http://127.0.0.1:9200",)
    elasticsearch_api_key: str | None = field(default=None, repr=False)
    elasticsearch_username: str | None = None
    elasticsearch_password: str | None = field(default=None, repr=False)
    elasticsearch_ca_certs: str | None = None
    elasticsearch_timeout: float = 5.0
    request_timeout: float = 10.0
    access_tokens: tuple[Token, ...] = ()
    web_enabled: bool = True
    counters_alias: str = "counters"
    conflict_max_attempts: int = 500
    conflict_backoff_base: float = 0.005
    conflict_backoff_cap: float = 0.05
    scripted_retry_on_conflict: int = 10
    idempotency_log_size: int = 1000
    bind_address: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    threads: int = 32
    max_waiting: int = 256
    graceful_timeout: int = 30
    drain_delay: int = 0
    log_format: str = "auto"
    log_level: str = "INFO"
    traces: bool = False

    @property
    def retries(self) -> Retries:
        """How a write that met another writer is tried again."""
        return Retries(
            max_attempts=self.conflict_max_attempts,
            base=self.conflict_backoff_base,
            cap=self.conflict_backoff_cap,
        )

    @classmethod
    def from_env(cls) -> Self:
        """Read the settings from the environment.

        Raises:
            environs.EnvError: A setting is malformed, or settings don't fit together; the message names them.
        """
        try:
            return cls._read()
        except EnvValidationError as error:
            raise EnvError(_sentences(error.error_messages)) from error
        except EnvError:
            raise
        except ValueError as error:  # as environs raises for a file that is not there
            raise EnvError(str(error)) from error

    @classmethod
    def _read(cls) -> Self:
        env = FileAwareEnv(eager=False, strip_whitespace=True)
        env.add_parser("tokens", _tokens)
        default = cls()
        # What is malformed reads as None until the end, where `seal` tells of everything at once.
        urls = env.list(
            "ELASTICSEARCH_URL", [*default.elasticsearch_url], validate=[Length(min=1), _all_urls]
        )
        settings = cls(
            elasticsearch_url=tuple(urls or ()),
            elasticsearch_api_key=env.str("ELASTICSEARCH_API_KEY", None, validate=ENCODED_KEY),
            elasticsearch_username=env.str("ELASTICSEARCH_USERNAME", None),
            elasticsearch_password=env.str("ELASTICSEARCH_PASSWORD", None),
            elasticsearch_ca_certs=env.str("ELASTICSEARCH_CA_CERTS", None),
            elasticsearch_timeout=env.float(
                "ELASTICSEARCH_TIMEOUT", default.elasticsearch_timeout, validate=POSITIVE
            ),
            request_timeout=env.float("REQUEST_TIMEOUT", default.request_timeout, validate=POSITIVE),
            access_tokens=env.tokens("ACCESS_TOKENS", ()),
            web_enabled=env.bool("WEB_ENABLED", default.web_enabled),
            counters_alias=env.str("COUNTERS_ALIAS", default.counters_alias, validate=INDEX_NAME),
            conflict_max_attempts=env.int(
                "CONFLICT_MAX_ATTEMPTS", default.conflict_max_attempts, validate=AT_LEAST_ONE
            ),
            conflict_backoff_base=env.float(
                "CONFLICT_BACKOFF_BASE", default.conflict_backoff_base, validate=NOT_NEGATIVE
            ),
            conflict_backoff_cap=env.float(
                "CONFLICT_BACKOFF_CAP", default.conflict_backoff_cap, validate=NOT_NEGATIVE
            ),
            scripted_retry_on_conflict=env.int(
                "SCRIPTED_RETRY_ON_CONFLICT", default.scripted_retry_on_conflict, validate=NOT_NEGATIVE
            ),
            idempotency_log_size=env.int(
                "IDEMPOTENCY_LOG_SIZE",
                default.idempotency_log_size,
                validate=Range(min=1, max=MAX_LOG_SIZE),
            ),
            bind_address=env.str("BIND_ADDRESS", default.bind_address),
            port=env.int("PORT", default.port, validate=Range(min=0, max=65535)),
            workers=env.int("WORKERS", default.workers, validate=AT_LEAST_ONE),
            threads=env.int("THREADS", default.threads, validate=Range(min=1, max=MAX_THREADS)),
            max_waiting=env.int("MAX_WAITING", default.max_waiting, validate=NOT_NEGATIVE),
            graceful_timeout=env.int("GRACEFUL_TIMEOUT", default.graceful_timeout, validate=AT_LEAST_ONE),
            drain_delay=env.int("DRAIN_DELAY", default.drain_delay, validate=NOT_NEGATIVE),
            log_format=env.str("LOG_FORMAT", default.log_format, validate=OneOf(["auto", "json", "console"])),
            log_level=env.str(
                "LOG_LEVEL", default.log_level, validate=OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
            ),
            traces=env.bool("TRACES", default.traces),
        )
        env.seal()
        settings._check()
        return settings

    def _check(self) -> None:
        """Refuse settings that are each valid but cannot work together."""
        if self.elasticsearch_api_key and self.elasticsearch_username:
            raise EnvError("Set either ELASTICSEARCH_API_KEY or ELASTICSEARCH_USERNAME, not both.")
        if bool(self.elasticsearch_username) != bool(self.elasticsearch_password):
            raise EnvError(
                "ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD go together; one of them is missing."
            )
        if self.elasticsearch_ca_certs and not Path(self.elasticsearch_ca_certs).is_file():
            raise EnvError(f"ELASTICSEARCH_CA_CERTS is no file: {self.elasticsearch_ca_certs}")
        if self.elasticsearch_ca_certs and any(url.startswith("http:") for url in self.elasticsearch_url):
            raise EnvError("ELASTICSEARCH_CA_CERTS is for https, and ELASTICSEARCH_URL says http.")
        if self.traces and not tracing.is_installed():
            raise EnvError(
                "TRACES takes OpenTelemetry, which is not installed: `pip install '.[traces]'`, or `make .venv/traces`."
            )
        if self.conflict_backoff_cap < self.conflict_backoff_base:
            raise EnvError(
                "CONFLICT_BACKOFF_CAP is less than CONFLICT_BACKOFF_BASE: no wait could be as it says."
            )
        if self.request_timeout + WINDING_UP > self.graceful_timeout:
            raise EnvError(
                f"A request may take {self.request_timeout:g} s (REQUEST_TIMEOUT), and a shutdown would cut it off:"
                f" GRACEFUL_TIMEOUT ({self.graceful_timeout} s) must be at least {WINDING_UP} s longer."
            )


def _sentences(wrong: Mapping[str, Sequence[str]] | Sequence[str]) -> str:
    """Return what is wrong by setting, as text; never what a setting holds, which may be secret."""
    if not isinstance(wrong, Mapping):
        return " ".join(wrong)
    return " ".join(
        f"{name}: {' '.join(NOT_A.get(reason, reason) for reason in reasons)}"
        for name, reasons in wrong.items()
    )


def _tokens(given: str | tuple[Token, ...]) -> tuple[Token, ...]:
    """Return the tokens in a text; the default, no tokens, comes as it is."""
    try:
        return parse_tokens(given) if isinstance(given, str) else given
    except ValueError as error:
        raise EnvError(str(error)) from error


def _all_urls(urls: list[str]) -> None:
    for url in urls:
        HTTP_URL(url)
