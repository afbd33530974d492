"""What a service is told from outside: the environment, and its section of the policies file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Policy = TypeVar("Policy")


class Settings(BaseSettings):
    """One process of one service. Every field is read from `OMS_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="OMS_", frozen=True, use_attribute_docstrings=True)

    service: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Which service this is: its consumer group, its policy section, its name in traces."""
    kafka_bootstrap: str
    """host:port of one broker or several, comma-separated."""
    database_dsn: str = Field(repr=False)
    """The service's own database, as its owner; holds a password."""
    tenant: str = "main"
    """Whose orders these are; part of every root key and every event."""
    partitions: int = Field(12, ge=1)
    """Partitions of every topic: equal everywhere, so that one replica owns an order whole."""
    slot: str = "0"
    """Tells replicas apart. Stable over restarts, so that a restarted replica gets its
    partitions back at once (static group membership)."""

    http_host: str = "127.0.0.1"
    """Address the HTTP door listens on."""
    http_port: int = Field(0, ge=0, le=65535)
    """Port of the HTTP door; 0 takes a free one."""

    policies_file: Path | None = None
    """TOML with one section of rules per service; without it the defaults in the code hold."""
    api_keys_file: Path | None = None
    """Who may do what over HTTP (see `keys`); without it nobody may do anything."""
    key_ring_file: Path | None = None
    """The keys that personal data is sealed with (see `sealing`)."""
    topics_file: Path | None = None
    """Declares every topic: partitions, retention, owner, readers."""
    data_dir: Path = Path(".oms")
    """Where sandboxes keep their logs and traces are written without a collector."""
    gateway_urls: dict[str, str] = {}
    """Where outside parties are reached over HTTP, by gateway, as JSON; those not named are
    sandboxes in the process."""
    smtp: str = ""
    """host:port of the mail server; empty keeps mails below `data_dir`."""

    otlp_endpoint: str = ""
    """Base URL of an OTLP/HTTP collector; empty writes spans as JSON lines."""
    trace_file: Path | None = None
    """Where spans go as JSON lines, unless `<data_dir>/traces/<service>.jsonl`."""
    trace_ratio: float = Field(1.0, ge=0.0, le=1.0)
    """Share of orders whose traces are sampled; 0 makes no span at all."""
    log_level: str = Field("INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")
    """Lines below this level are not written."""

    max_records: int = Field(500, ge=1, le=10_000)
    """Most Kafka records in one cycle, that is in one transaction."""
    cycle_ms_min: int = Field(25, ge=0)
    """A cycle begins no sooner than this after the one before: higher saves work, adds delay."""
    poll_ms: int = Field(50, ge=1)
    """Pause of a reader that found nothing, and how long it then waits for something."""
    fetch_max_wait_ms: int = Field(500, ge=1)
    """How long the broker may wait for `fetch_min_bytes` to come together."""
    fetch_min_bytes: int = Field(1, ge=1)
    """1 answers an idle system at once; 100,000 saves fetches under load."""
    offset_commit_ms: int = Field(500, ge=0)
    """Offsets are committed at most this often: the inbox absorbs what is read again."""
    session_timeout_ms: int = Field(10_000, ge=1_000)
    """A silent replica loses its partitions after this; must outlast a restart."""
    max_poll_interval_ms: int = Field(60_000, ge=1_000)
    """A replica that stops polling this long loses its partitions; above the slowest cycle."""
    revoke_timeout_seconds: float = Field(20.0, gt=0)
    """How long giving up a partition may wait for the cycle and the batch in flight."""
    parked_keys_max: int = Field(100, ge=1)
    """More newly parked keys in one minute stop the partition: then it is not the data's fault."""
    relay_rows_max: int = Field(500, ge=1)
    """Most outbox rows published as one record batch."""
    statement_timeout_ms: int = Field(15_000, ge=1)
    """A statement running longer is cancelled by the database."""
    kept_periods: dict[str, int] = {}
    """How many weeks or months of a table that ages stay attached behind the current one, as
    JSON by the table's name; what is not named keeps what its service declares (see `ageing`)."""
    ended_kept_months: int = Field(36, ge=6)
    """`retire` moves what has ended once it has not changed for so long (see `retiring`)."""
    pool_size: int = Field(4, ge=1)
    """Database connections of the cycle and its neighbours; reads for HTTP have their own."""


class PolicyError(ValueError):
    """The policies file does not say what the service can understand."""


def load_policy(path: Path | None, section: str, policy: type[Policy]) -> Policy:
    """The service's rules: `section` of the file as a `policy`, or its defaults without a file.

    Raises PolicyError for a missing section, a wrong type or, with `Rules`, a key that nobody
    reads: a misspelt rule must not silently leave its default in force.
    """
    if path is None:
        return policy()
    try:
        return msgspec.convert(tomllib.loads(path.read_text())[section], policy)
    except KeyError:
        raise PolicyError(f"{path} has no section [{section}]") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PolicyError(f"{path} [{section}]: {error}") from None
