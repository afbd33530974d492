"""Reading the provider's answers: trusted no more than anybody else's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

NAME_MAX_CHARS = 64
TEXT_MAX_CHARS = 500


def code(text: str) -> str:
    """A refusal's code, short enough to be told on."""
    return text[:NAME_MAX_CHARS] or "refused"


def name(answer: Mapping[str, Any], field: str) -> str:
    """An identifier given by the provider. Raises ValueError if there is none."""
    value = answer.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= NAME_MAX_CHARS:
        raise ValueError(f"the provider's {field} is no identifier")
    return value


def minor(answer: Mapping[str, Any], field: str) -> int:
    """An amount. Raises ValueError for what is no whole number of minor units."""
    value = answer.get(field)
    if type(value) is not int or value < 0:
        raise ValueError(f"the provider's {field} is no amount: {value!r}")
    return value


def moment(answer: Mapping[str, Any], field: str) -> datetime | None:
    """A moment with its offset, if one is given. Raises ValueError for anything else."""
    value = answer.get(field)
    if value is None:
        return None
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(f"the provider's {field} has no offset: {value!r}")
    return at


def check(answer: Mapping[str, Any], amount_minor: int, currency: str) -> None:
    """Raises ValueError unless exactly this much money moved."""
    moved = minor(answer, "amount_minor"), answer.get("currency")
    if moved != (amount_minor, currency):
        raise ValueError(f"{moved} moved where {amount_minor} {currency} was asked")
