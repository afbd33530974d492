"""Who works with the system: roles, their API keys, and the files that hold secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from oms_chassis.keys import KeyLine, new_key
from oms_chassis.sealing import KeyRing

CHANNELS = ("web", "marketplace", "store", "wholesale")
_READ = (
    "orders:read", "stock:read", "warehouse:read", "billing:read", "ledger:read",
    "shipping:read", "notify:read", "ops:read",
)  # fmt: skip
ROLES: Mapping[str, tuple[str, ...]] = {
    "operator": (
        *_READ, "orders:write", "orders:hold", "orders:cancel", "orders:approve", "orders:personal",
        "billing:write", "shipping:track", "shipping:handover", "notify:write", "notify:personal",
        "warehouse:receive", "warehouse:count", "warehouse:purchase", "warehouse:pick",
        "warehouse:pack", "ops:write",
    ),
    "picker": ("warehouse:read", "warehouse:pick", "warehouse:pack"),
    "finance": ("billing:read", "billing:write", "ledger:read", "orders:read", "orders:approve"),
}  # fmt: skip
"""Who works with the system, and what their keys allow."""


def draw_keys() -> tuple[dict[str, str], list[KeyLine]]:
    """A fresh API key for every role and channel, and what the services' keys file holds."""
    keys: dict[str, str] = {}
    lines: list[KeyLine] = []
    for role, scopes in ROLES.items():
        keys[role], line = new_key(role, scopes)
        lines.append(line)
    for channel in CHANNELS:
        allowed = ("orders:write", "orders:read", "orders:cancel")
        keys[channel], line = new_key(channel, allowed, channel)
        lines.append(line)
    return keys, lines


def make_key_ring(path: Path) -> None:
    """A key ring for personal data, unless there is one."""
    if not path.exists():
        KeyRing.create(path)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600, exist_ok=True)
    path.chmod(0o600)
    path.write_bytes(content)
