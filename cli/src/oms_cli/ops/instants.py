"""Moments as an operator types them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGO = re.compile(r"(\d{1,6})([smhd])")


def instant(text: str, now: datetime) -> datetime:
    """An RFC 3339 moment, or so long ago (`90s`, `5m`, `2h`, `1d`); raises ValueError."""
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither a moment nor how long ago") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone: end it with Z or +hh:mm")
    return moment
