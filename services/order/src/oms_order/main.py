"""What makes this service the order service."""

from __future__ import annotations

from oms_chassis.app import Service
from oms_order.api import routes
from oms_order.decisions import deadline, decide
from oms_order.domain import Policy
from oms_order.inputs import HEARS, KINDS, STRANGERS, roots
from oms_order.store import STORE

service = Service(
    name="order",
    hears=HEARS,
    kinds=KINDS,
    roots=roots,
    store=STORE,
    policy=Policy,
    decide=decide,
    deadline=deadline,
    routes=routes,
    strangers=STRANGERS,
)
