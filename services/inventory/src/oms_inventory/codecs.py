"""How the documents of stock books and reservations are written and read."""

from __future__ import annotations

from datetime import datetime

from msgspec import field

from oms_chassis.decision import Value
from oms_chassis.store import codec
from oms_inventory.domain import Purchase, Reservation, Sku, Waiting


class Book(Value, frozen=True):
    """What a SKU's document keeps: everything that is not a row of its own."""

    waiting: tuple[Waiting, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    level_at: datetime | None = None
    level_dirty: bool = False
    serve_at: datetime | None = None
    receipts: dict[str, str] = field(default_factory=dict)


_encode_book, _decode_book = codec(Book)
encode_reservation, decode_reservation = codec(Reservation)


def encode_sku(sku: Sku) -> bytes:
    """A SKU's document."""
    return _encode_book(
        Book(
            sku.waiting, sku.purchases, sku.level_at, sku.level_dirty, sku.serve_at,
            dict(sku.receipts),
        )
    )  # fmt: skip


def decode_sku(doc: bytes) -> Sku:
    """A SKU without its shelves; whoever waits is not loaded yet."""
    book = _decode_book(doc)
    return Sku(
        waiting=book.waiting,
        purchases=book.purchases,
        level_at=book.level_at,
        level_dirty=book.level_dirty,
        serve_at=book.serve_at,
        receipts=book.receipts,
        queue=None if book.waiting else {},
    )
