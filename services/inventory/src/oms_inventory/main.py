"""What makes this service inventory."""

from __future__ import annotations

from oms_chassis.app import Service
from oms_inventory.api import routes
from oms_inventory.decisions import deadline, decide
from oms_inventory.domain import Policy
from oms_inventory.inputs import HEARS, KINDS, roots
from oms_inventory.store import STORE

service = Service(
    name="inventory",
    hears=HEARS,
    kinds=KINDS,
    roots=roots,
    store=STORE,
    policy=Policy,
    decide=decide,
    deadline=deadline,
    routes=routes,
)
