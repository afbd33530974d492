"""What is to be measured: all that a result must name so that it can be repeated."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

CYCLE_SETTINGS = {
    "OMS_SMTP": "",
    "OMS_TRACE_RATIO": "0",
    "OMS_CYCLE_MS_MIN": "100",
    "OMS_FETCH_MIN_BYTES": "100000",
    "OMS_FETCH_MAX_WAIT_MS": "200",
}
"""Under load larger batches save work; mails are kept in files, spans are not made."""


class Spread(StrEnum):
    """How demand is spread over SKUs."""

    ZIPF = "zipf"
    UNIFORM = "uniform"
    FLASH = "flash"
    """One SKU that everybody wants and of which there is too little."""


class Work(msgspec.Struct, frozen=True):
    """The same work for every system: orders of three lines, and what befalls some of them."""

    seed: int = 1
    skus: int = 10_000
    lines: int = 3
    spread: Spread = Spread.ZIPF
    zipf_exponent: float = 1.0
    declined: float = 0.05
    out_of_stock: float = 0.01
    cancelled: float = 0.01
    cancel_after_seconds: float = 0.25
    """The customer changes their mind so long after ordering: in flight, for any system."""


FLASH_UNITS = 500
FLASH_BUYERS = 10_000
FLASH = Work(
    skus=1, lines=1, spread=Spread.FLASH, declined=0.0, out_of_stock=0.0, cancelled=0.0,
)  # fmt: skip
"""Nobody who got a unit gives it back, so exactly as many are sold as there are."""


class Stage(msgspec.Struct, frozen=True):
    """A steady rate for a while; the warm-up before it is not measured."""

    rate: float
    """Orders a second."""
    seconds: float
    warm_up_seconds: float = 10.0
    stored_orders: int = 0
    """So many orders lie in the stores before it begins; the missing ones are copied."""
    kill: str = ""
    """This service is killed in the middle, and started again."""


class Plan(msgspec.Struct, frozen=True):
    """One session: a system brought up once, and the stages measured on it one after another."""

    stages: tuple[Stage, ...]
    work: Work = Work()
    name: str = "same work"
    partitions: int = 6
    replicas: dict[str, int] = {}
    """Of services that have more than one."""
    service_ms: float | None = None
    """Payment provider and carrier answer over HTTP after this; None: in the process."""
    flush_each: bool = False
    """The broker syncs every record batch, as the database does every transaction."""
    floors: tuple[tuple[int, int], ...] = ()
    """Cells of the floor: inputs in a transaction, and partitions."""
    settings: dict[str, str] = msgspec.field(default_factory=lambda: dict(CYCLE_SETTINGS))
    """Environment of every service, on top of what the local system gives."""

    def told(self) -> dict[str, Any]:
        """The plan as JSON keeps it."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        return told
