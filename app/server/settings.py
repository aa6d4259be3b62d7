"""Every setting of the process, read from its environment and checked at the start.

Each is an environment variable: `LADING_` and the field's name, except DATABASE_URL, DATABASE_READ_URL and REDIS_URL.
Every bound of `app.kernel.limits.Limits` is one too: LADING_LIMIT_BODY_BYTES_MAX and so on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.kernel.identity import unguessable_token
from app.kernel.limits import Limits
from app.server.embedded import embedded_servers
from app.server.failure import Failure
from app.server.wakeup.addresses import Kind, read_address
from app.webhooks.rules import Network, Reach, networks_of

PREFIX = "LADING_"
LIMIT_PREFIX = "LADING_LIMIT_"
SECRET_LENGTH_MIN = 32
SECRET_CHARACTERS_MIN = 10
"""So many different characters: a word repeated is no secret."""
DATABASE_SCHEMES = ("postgresql://", "postgres://", "postgresql+asyncpg://")


class SettingsFailure(Failure):
    """Settings are wrong; the message has one line for each."""


class Mode(StrEnum):
    """How careful the process is with what it was not told."""

    DEMO = "demo"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """How log lines are written."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """Which log lines are written: these and the graver ones."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def limits_of(environment: Mapping[str, str]) -> Limits:
    """The limits, with what `environment` overrides; ValueError names each that is unknown or no whole number."""
    known = {field.name for field in fields(Limits)}
    named = {name: text for name, text in environment.items() if name.startswith(LIMIT_PREFIX) and text}
    told = {name.removeprefix(LIMIT_PREFIX).lower(): text for name, text in named.items()}
    wrong = [f"{LIMIT_PREFIX}{name.upper()}: there is no such limit" for name in sorted(told.keys() - known)]
    wrong += [
        f"{LIMIT_PREFIX}{name.upper()}: must be a whole number above 0, not {text!r}"
        for name, text in told.items()
        if name in known and not (text.isdecimal() and int(text) > 0)
    ]
    if wrong:
        raise ValueError("\n".join(wrong))
    return Limits(**{name: int(text) for name, text in told.items()})


class Settings(BaseSettings):
    """What the process was told by its environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    mode: Mode = Field(Mode.DEMO, description="`production` refuses what is unsafe; `demo` makes up what is missing.")
    home: Path = Field(Path(".lading"), description="Where the generated secret and embedded servers keep their data.")
    database_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="The PostgreSQL (15 or newer) to write to, as postgresql://…; without it an embedded one is run.",
    )
    database_read_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_READ_URL",
        description="A streaming replica to answer queries from; without it the primary does.",
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="The Redis (7 or newer) or Valkey to wake by, as `redis://…`, `redis+cluster://host:port,…` or "
        "`redis+sentinel://host:port,…/master`; without it an embedded one is run.",
    )
    redis_prefix: str = Field(
        "lading",
        pattern=r"^[a-z0-9_.:-]{1,100}$",
        description="What the names of all keys and channels in Redis begin with.",
    )
    secret: SecretStr | None = Field(
        None, description=f"What tokens are signed with: {SECRET_LENGTH_MIN} random characters or more."
    )
    host: str = Field("127.0.0.1", description="The address to listen on; 0.0.0.0 for all of the machine's.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on; 0 for any free one.")
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="The port at which a relay or a worker tells its figures, at /metrics."
    )
    proxies: str = Field(
        "127.0.0.1",
        description="The addresses or networks of proxies whose X-Forwarded-For tells where clients are, separated by "
        "commas; `*` for all.",
    )
    workers: int = Field(1, ge=1, le=64, description="How many processes serve.")
    write_pool: int = Field(10, ge=1, le=500, description="Connections to PostgreSQL for writing, in each process.")
    read_pool: int = Field(10, ge=1, le=500, description="Connections to PostgreSQL for reading, in each process.")
    stop_seconds: int = Field(10, ge=1, le=600, description="How long requests under way may take when asked to stop.")
    log_level: LogLevel = Field(LogLevel.INFO, description="The least grave log lines that are written.")
    log_format: LogFormat | None = Field(
        None, description="`console` or `json`; without it JSON in production and the console's form otherwise."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="The origins whose pages may call from a browser besides our own host's, separated by commas; "
        "`*` for all.",
    )
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="The names by which clients may ask for us, separated by commas; without it any, but in a demo "
        "that listens on a loopback address only that.",
    )
    trusted_documents: Path | None = Field(
        None,
        description="The documents that clients may name: a JSON of ids and texts (Relay, codegen), Apollo's manifest, "
        "or a folder of `.graphql` files, each named by the SHA-256 of its text.",
    )
    trusted_only: bool = Field(
        default=False, description="`true` answers the trusted documents and no others; there is no query editor then."
    )
    webhook_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Networks of your own that webhooks may call all the same, separated by commas."
    )
    webhook_ports: Annotated[tuple[int, ...], NoDecode] = Field(
        (443, 8443), description="The ports that webhooks may call, separated by commas; `*` for all."
    )
    webhook_plain_http: bool = Field(
        default=False, description="`true` lets webhooks call http:// addresses, where all that is sent can be read."
    )
    limits: Annotated[Limits, NoDecode] = Field(
        default_factory=lambda: limits_of(os.environ), init=False, description="Bounds, each as LADING_LIMIT_<NAME>."
    )

    @field_validator("cors_origins", "hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("webhook_networks", mode="before")
    @classmethod
    def _lists_networks(cls, value: Any) -> Any:
        return networks_of(value) if isinstance(value, str) else value

    @field_validator("webhook_ports", mode="before")
    @classmethod
    def _lists_ports(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return () if value.strip() == "*" else tuple(int(part) for part in value.split(",") if part.strip())

    @field_validator("database_url", "database_read_url")
    @classmethod
    def _names_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(DATABASE_SCHEMES):
            raise ValueError("must begin with postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _names_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value and read_address(value.get_secret_value()).kind is Kind.MEMORY:
            raise ValueError("memory:// wakes nobody in other processes")
        return value

    @field_validator("secret")
    @classmethod
    def _is_strong(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value else ""
        if value and (len(text) < SECRET_LENGTH_MIN or len(set(text)) < SECRET_CHARACTERS_MIN):
            raise ValueError(f"must be at least {SECRET_LENGTH_MIN} random characters")
        return value

    @model_validator(mode="after")
    def _production_is_told_all(self) -> Self:
        if self.mode is Mode.PRODUCTION:
            told = {"LADING_SECRET": self.secret, "DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
            missing = [name for name, value in told.items() if value is None]
            if missing:
                raise ValueError(f"must be set in production: {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _something_is_trusted(self) -> Self:
        if self.trusted_only and self.trusted_documents is None:
            raise ValueError("LADING_TRUSTED_ONLY: set LADING_TRUSTED_DOCUMENTS too, or nothing would be answered")
        return self

    @property
    def is_demo(self) -> bool:
        """Whether nobody depends on this process."""
        return self.mode is Mode.DEMO

    @property
    def log_lines(self) -> LogFormat:
        """How log lines are written, chosen or by mode."""
        return self.log_format or (LogFormat.JSON if self.mode is Mode.PRODUCTION else LogFormat.CONSOLE)

    @property
    def webhook_reach(self) -> Reach:
        """What webhooks may call."""
        return Reach(self.webhook_networks, frozenset(self.webhook_ports) or None, self.webhook_plain_http)

    @property
    def written_to(self) -> str:
        """The address of the PostgreSQL to write to, known once the settings are complete."""
        return _told(self.database_url, "DATABASE_URL")

    @property
    def read_from(self) -> str:
        """The address of the PostgreSQL to read from."""
        return self.database_read_url.get_secret_value() if self.database_read_url else self.written_to

    @property
    def woken_by(self) -> str:
        """The address of the Redis."""
        return _told(self.redis_url, "REDIS_URL")

    @property
    def signed_with(self) -> str:
        """The secret that tokens are signed with."""
        return _told(self.secret, "LADING_SECRET")


def _told(value: SecretStr | None, name: str) -> str:
    if value is None:
        raise SettingsFailure(f"{name} is not set.")
    return value.get_secret_value()


def read_settings(**overrides: Any) -> Settings:
    """The settings of the environment, with `overrides` first; SettingsFailure has one line for each that is wrong."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as wrong:
        raise SettingsFailure("\n".join(_line(error) for error in wrong.errors())) from wrong
    except ValueError as wrong:
        raise SettingsFailure(str(wrong)) from wrong


def _line(error: Any) -> str:
    place = str(error["loc"][0]) if error["loc"] else ""
    name = place if place.isupper() or not place else f"{PREFIX}{place.upper()}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{name}: {message}" if name else message


@contextmanager
def complete(settings: Settings) -> Iterator[Settings]:
    """The settings with nothing missing: what was not told is run or made up, for as long as the block lasts."""
    secret = settings.secret or SecretStr(generated_secret(settings.home))
    if settings.database_url and settings.redis_url:
        yield settings.model_copy(update={"secret": secret})
        return
    with embedded_servers(settings.home) as servers:
        yield settings.model_copy(
            update={
                "secret": secret,
                "database_url": settings.database_url or SecretStr(servers.database_url),
                "redis_url": settings.redis_url or SecretStr(servers.redis_url),
            }
        )


def generated_secret(home: Path) -> str:
    """The secret that was made up for `home` once, readable by its owner alone."""
    path = home / "secret"
    home.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(unguessable_token())
    return path.read_text().strip()
