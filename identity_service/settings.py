"""Every setting of the service, read from the environment (`IDENTITY_…`)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "IDENTITY_"
"""What the name of every variable begins with."""

_ADMIN_KEY: Final = re.compile(r"[!-~]{16,}")
_SECRETS_KEY: Final = re.compile(r"[A-Za-z0-9+/_-]{43}=?")


def secret_of(variable: str) -> SecretStr | None:
    """What a variable holds that a user's own file names, say the address of a database."""
    value = os.environ.get(variable)
    return SecretStr(value) if value else None


def parse_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks or addresses, separated by commas. Raises ValueError."""
    return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())


def default_data_dir() -> Path:
    """Where the managed Neo4j keeps its data unless set otherwise."""
    return Path.home() / ".local" / "share" / "identity-service"


class Settings(BaseSettings):
    """The environment of one process. Nothing else is read from outside."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    neo4j_uri: str | None = Field(
        default=None,
        description="Bolt address of a Neo4j server. Unset: a managed one is started.",
    )
    neo4j_user: str = Field(default="neo4j", description="User name at that server.")
    neo4j_password: SecretStr | None = Field(
        default=None, description="Password at that server. Unset: no authentication."
    )
    neo4j_database: str = Field(default="neo4j", description="Name of the database.")
    read_timeout: float = Field(
        default=10, gt=0, description="Seconds that a statement that reads may take."
    )
    write_timeout: float = Field(
        default=60, gt=0, description="Seconds that a statement that writes may take."
    )
    operation_timeout: float = Field(
        default=60,
        gt=0,
        description="Seconds that an operation over GraphQL may take, with all that it asks of the"
        " database; beyond, it ends with `TIME_UP`. One that asks for a journey or a preview may"
        " take as long as that, where that is longer. A subscription may stay open; what it"
        " answers to each event has this time.",
    )
    preview_timeout: float = Field(
        default=300, gt=0, description="Seconds that the preview of a policy may take."
    )
    journey_timeout: float = Field(
        default=120, gt=0, description="Seconds that a journey may take."
    )
    data_dir: Path = Field(
        default_factory=default_data_dir, description="Data of the managed Neo4j."
    )
    cache_dir: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "identity-service",
        description="Where the managed Neo4j's jars are kept once fetched.",
    )
    neo4j_heap: str = Field(
        default="1g", pattern=r"^\d+[kmgKMG]$", description="Java heap of the managed Neo4j."
    )
    neo4j_page_cache: str = Field(
        default="512m",
        pattern=r"^\d+[kmgKMG]$",
        description="Memory in which the managed Neo4j keeps pages of its store.",
    )
    sandbox_heap: str = Field(
        default="512m", pattern=r"^\d+[kmgKMG]$", description="Java heap of a sandbox."
    )
    sandbox_page_cache: str = Field(
        default="256m",
        pattern=r"^\d+[kmgKMG]$",
        description="Memory in which a sandbox keeps pages of its store.",
    )
    sandbox_processors: int = Field(
        default=1, ge=1, description="Processors that a sandbox counts on."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on.")
    allowed_origins: str = Field(
        default="",
        description="Web pages that may ask GraphQL and REST from a browser (CORS): origins"
        " separated by commas, as `https://support.example.com`; `*` for any. Unset: none.",
    )
    admin_key: SecretStr | None = Field(
        default=None,
        description="Key of the instance administrator, 16 visible ASCII characters or more. "
        "Unset: made at first start, printed once.",
    )
    secrets_key: SecretStr | None = Field(
        default=None,
        description="Key with which secrets of sources and destinations are encrypted in the "
        "database: 32 random bytes in base64, as `openssl rand -base64 32` makes them. Unset: no "
        "webhooks are taken, and nothing is sent to destinations.",
    )
    max_queue: int = Field(
        default=20_000, ge=1, description="Events that may wait to be written; beyond: 429."
    )
    max_connections: int = Field(
        default=10_000,
        ge=1,
        description="Connections that one process keeps open; beyond: 429. Fewer where the file "
        "descriptors that it may have do not suffice.",
    )
    source_files: Path | None = Field(
        default=None,
        description="A directory of files (`.yaml`) that say how databases and CRMs are read as"
        " sources, or one such file. `serve` reads these; unset: none.",
    )
    destination_networks: str = Field(
        default="",
        description="Addresses that are not public and that destinations may be reached at all the"
        " same: networks or addresses, as `10.1.0.0/16,127.0.0.1`. Unset: none.",
    )
    destination_files: str | None = Field(
        default=None,
        description="A directory, or `s3://BUCKET/PREFIX`, below which destinations of files may"
        " write. Unset: none may.",
    )
    head_timeout: float = Field(
        default=10,
        gt=0,
        description="Seconds in which the head of a request has to arrive; beyond: 408.",
    )
    body_timeout: float = Field(
        default=60,
        gt=0,
        description="Seconds in which the body of a request has to arrive; beyond: 408. "
        "A client that takes nothing of its answer for so long is cut off.",
    )
    write_key_rate: float | None = Field(
        default=None,
        gt=0,
        description="Events per second that one write key may send to one process; beyond: 429."
        " Unset: any number.",
    )
    write_key_burst: int = Field(
        default=10_000,
        ge=1,
        description="Events that a write key with a rate may send at once after a pause.",
    )
    read_key_rate: float = Field(
        default=200_000,
        gt=0,
        description="What the operations of one key over GraphQL may cost per second, in one"
        " process; beyond: 429. A processor does some 100,000.",
    )
    read_key_burst: int = Field(
        default=2_000_000,
        ge=1,
        description="What they may cost at once after a pause.",
    )
    rejected_events: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Rejected events that are kept of a space, the newest.",
    )
    rejected_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1,
        description="Bytes of rejected events that are kept of a space, the newest.",
    )
    rejected_days: float = Field(
        default=30, gt=0, le=3_650, description="Days for which rejected events are kept."
    )
    max_streams: int = Field(
        default=1_000,
        ge=1,
        description="Connections of valid keys for subscriptions that one process keeps open; "
        "beyond: 429, over WebSocket 1013.",
    )

    def as_environment(self) -> Mapping[str, str]:
        """The variables that make the same settings in another process; secrets are among them."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            f"{PREFIX}{name.upper()}": value.get_secret_value()
            if isinstance(value, SecretStr)
            else str(value)
            for name, value in given.items()
            if value is not None
        }

    @field_validator("destination_networks")
    @classmethod
    def _are_networks(cls, networks: str) -> str:
        try:
            parse_networks(networks)
        except ValueError as error:
            raise ValueError(f"{error}; write networks as 10.1.0.0/16, with commas") from None
        return networks

    @field_validator("admin_key")
    @classmethod
    def _can_be_sent_and_not_guessed(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not _ADMIN_KEY.fullmatch(key.get_secret_value()):
            raise ValueError(
                "the key has fewer than 16 characters, or one that is no visible ASCII character;"
                " without the variable, a key is made at the first start",
            )
        return key

    @field_validator("secrets_key")
    @classmethod
    def _has_its_length(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not _SECRETS_KEY.fullmatch(key.get_secret_value()):
            raise ValueError(
                "the key is not 32 bytes in base64; `openssl rand -base64 32` makes one"
            )
        return key
