"""What makes this service billing."""

from __future__ import annotations

from oms_billing.api import routes
from oms_billing.decisions import deadline, decide
from oms_billing.domain import Policy
from oms_billing.gateways import from_settings
from oms_billing.inputs import HEARS, KINDS, roots
from oms_billing.store import STORE
from oms_chassis.app import Service

service = Service(
    name="billing",
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
