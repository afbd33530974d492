"""How an order is named: an id that every replay finds again, and a number that people can read."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011")
_NUMBER_BITS = 60
_NUMBER_CHARS = _NUMBER_BITS // 5
_REST_BITS = 128 - _NUMBER_BITS


def order_key(tenant: str, channel: str, external_id: str) -> str:
    """The id of a channel's order: a UUID of version 8 (RFC 9562 §5.8) made from its names alone.

    So an order that is sent twice meets itself, without a table of what was sent before.
    """
    hashed = sha256(f"{tenant}|{channel}|{external_id}".encode()).digest()
    bits = int.from_bytes(hashed[:16], "big")
    bits = bits & ~(0xF << 76) | 0x8 << 76
    bits = bits & ~(0b11 << 62) | 0b10 << 62
    return str(UUID(int=bits))


def order_no(order_id: str) -> str:
    """The number to quote on the phone: the id's first 60 bits in Crockford's base 32."""
    bits = UUID(order_id).int >> _REST_BITS
    text = "".join(_CROCKFORD[bits >> shift & 31] for shift in range(_NUMBER_BITS - 5, -1, -5))
    return "-".join(text[i : i + 4] for i in range(0, _NUMBER_CHARS, 4))


def ids_of(order_no: str) -> tuple[str, str] | None:
    """The first and the last id an order of this number can have; None if it is no such number.

    Reads what people write: small letters, O for 0, I and L for 1, with or without dashes.
    """
    text = order_no.upper().replace("-", "").replace(" ", "").translate(_READ_AS)
    if len(text) != _NUMBER_CHARS or any(char not in _CROCKFORD for char in text):
        return None
    bits = 0
    for char in text:
        bits = bits << 5 | _CROCKFORD.index(char)
    first = bits << _REST_BITS
    return str(UUID(int=first)), str(UUID(int=first | (1 << _REST_BITS) - 1))
