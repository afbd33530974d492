"""What can become of a row. Every row has exactly one fate, so the counts add up."""

from __future__ import annotations

from enum import StrEnum


class Fate(StrEnum):
    """What became of a row."""

    ORDER_LINE = "line of an order"
    FREE_LINE = "line of an order, free of charge"
    SHIPPING = "shipping charge of an order"
    CANCELLATION = "wish to cancel units of an earlier order"
    CANCELLATION_IN_PART = "wish to cancel, of more units than were ordered: sent for those"
    CANCELLATION_UNKNOWN = "cancels what was never ordered in this file: nothing to send"
    CANCELLATION_OF_GUEST = "cancels goods of a guest: of which order, nobody can tell"
    FOUND = "stock adjustment: goods found, received"
    GONE = "stock adjustment: goods gone, written off"
    CHARGE = "a charge or a credit and no goods: left to accounting"
    BAD_DEBT = "bad debt: left to accounting"
    VOUCHER = "a gift voucher and no goods: left to the shop"
    UNREADABLE = "cannot be read"


class Remark(StrEnum):
    """What is worth knowing besides; a row may have several."""

    GUEST = "of a guest"
    REPEATED = "of a SKU that stands in the same order before"
    RENAMED = "whose code was written in small letters"
    ROUNDED = "whose price was rounded to a penny"
    SPLIT = "of an invoice too long for one order"
    NOWHERE = "of an order to no country we know: flagged for a person"
