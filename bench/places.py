"""Where things are."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
RESULTS = CHECKOUT / ".oms/bench"

ONE_MESSAGE = 'silent_about = ["order_confirmation", "receipt"]'
"""The same work is one message an order: what was shipped is told, or that it was cancelled."""


def policies(folder: Path, more: dict[str, str] | None = None) -> Path:
    """The rules that are deployed, for the same work: with a line more for some services."""
    rules = (CHECKOUT / "deploy/policies.toml").read_text()
    for service, line in {"notify": ONE_MESSAGE, **(more or {})}.items():
        section = f"[{service}]\n"
        if section not in rules:
            raise ValueError(f"deploy/policies.toml says nothing of {service}")
        rules = rules.replace(section, f"{section}{line}\n")
    path = folder / "policies.toml"
    path.write_text(rules)
    return path
