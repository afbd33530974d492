"""What makes this service the warehouse."""

from __future__ import annotations

from oms_chassis.app import Service
from oms_warehouse.api import routes
from oms_warehouse.decisions import deadline, decide
from oms_warehouse.domain import Policy
from oms_warehouse.inputs import HEARS, KINDS, roots
from oms_warehouse.store import STORE

service = Service(
    name="warehouse",
    hears=HEARS,
    kinds=KINDS,
    roots=roots,
    store=STORE,
    policy=Policy,
    decide=decide,
    deadline=deadline,
    routes=routes,
)
