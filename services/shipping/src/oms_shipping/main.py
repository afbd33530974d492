"""What makes this service shipping."""

from __future__ import annotations

from oms_chassis.app import Service
from oms_shipping.api import routes
from oms_shipping.decisions import deadline, decide
from oms_shipping.domain import Policy
from oms_shipping.gateways import from_settings
from oms_shipping.inputs import HEARS, KINDS, roots
from oms_shipping.store import STORE

service = Service(
    name="shipping",
    hears=HEARS,
    kinds=KINDS,
    roots=roots,
    store=STORE,
    policy=Policy,
    decide=decide,
    deadline=deadline,
    gateways=from_settings,
    routes=routes,
)
