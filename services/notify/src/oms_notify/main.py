"""What makes this service notify."""

from __future__ import annotations

from oms_chassis.app import Service
from oms_notify.api import routes
from oms_notify.decisions import deadline, decide
from oms_notify.domain import Policy
from oms_notify.gateways import from_settings
from oms_notify.inputs import HEARS, KINDS, roots
from oms_notify.store import STORE

service = Service(
    name="notify",
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
