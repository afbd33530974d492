"""Inventory's database, revision by revision, and how the stock books age."""

from oms_chassis.ageing import Aged, Period

MOVEMENTS = Aged(("movement",), "booked_at", Period.MONTH, kept=24, by_id=False)
"""Every line holds the balances after it, so a book may begin anywhere. No fact about goods can
come back after so long, and no order that holds units is that old."""
AGED = (MOVEMENTS,)
