"""Amounts as people read them."""

from __future__ import annotations

from oms_order.domain.currencies import MINOR_DIGITS


def amount(minor: int, currency: str) -> str:
    """Minor units as `-1,234.50 EUR`."""
    digits = MINOR_DIGITS.get(currency, 0)
    whole, part = divmod(abs(minor), 10**digits)
    fraction = f".{part:0{digits}}" if digits else ""
    return f"{'-' if minor < 0 else ''}{whole:,}{fraction} {currency}"
