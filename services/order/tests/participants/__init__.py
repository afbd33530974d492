"""The other services, small enough to be seen through: each keeps its books and may do anything
that the real one might, in any order. What they say travels in their own order, each in a stream.
"""

from __future__ import annotations

from participants.base import Participant
from participants.billing import Billing
from participants.inventory import Inventory
from participants.shipping import Shipping
from participants.warehouse import Warehouse

__all__ = ["Billing", "Inventory", "Participant", "Shipping", "Warehouse"]
