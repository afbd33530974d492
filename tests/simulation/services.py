"""The six services as they are: their own inputs, roots, decisions and deadlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from memory import InventoryMemory, Memory, WarehouseMemory
from node import Node
from replicas import Crew

import oms_billing.decisions
import oms_billing.domain
import oms_billing.inputs
import oms_inventory.decisions
import oms_inventory.domain
import oms_inventory.inputs
import oms_notify.decisions
import oms_notify.domain
import oms_notify.inputs
import oms_order.decisions
import oms_order.domain
import oms_order.inputs
import oms_shipping.decisions
import oms_shipping.domain
import oms_shipping.inputs
import oms_warehouse.decisions
import oms_warehouse.domain
import oms_warehouse.inputs
from oms_chassis.fold import Core
from oms_chassis.store import Root

if TYPE_CHECKING:
    from plan import Setup

ORDER, INVENTORY, WAREHOUSE = "order", "inventory", "warehouse"
BILLING, SHIPPING, NOTIFY = "billing", "shipping", "notify"
NAMES = (ORDER, INVENTORY, WAREHOUSE, BILLING, SHIPPING, NOTIFY)


@dataclass(frozen=True)
class Policies:
    """The rules of every service."""

    order: oms_order.domain.Policy
    inventory: oms_inventory.domain.Policy
    warehouse: oms_warehouse.domain.Policy
    billing: oms_billing.domain.Policy
    shipping: oms_shipping.domain.Policy
    notify: oms_notify.domain.Policy


_SERVICES: Mapping[str, tuple[Any, Any, type[Memory]]] = {
    ORDER: (oms_order.inputs, oms_order.decisions, Memory),
    INVENTORY: (oms_inventory.inputs, oms_inventory.decisions, InventoryMemory),
    WAREHOUSE: (oms_warehouse.inputs, oms_warehouse.decisions, WarehouseMemory),
    BILLING: (oms_billing.inputs, oms_billing.decisions, Memory),
    SHIPPING: (oms_shipping.inputs, oms_shipping.decisions, Memory),
    NOTIFY: (oms_notify.inputs, oms_notify.decisions, Memory),
}


def build(setup: Setup) -> dict[str, Node]:
    """All services, newly born. Where a setup is `stored`, states go through the codecs of their
    stores.

    Those of inventory do not: its state is spread over rows that only a database can hold.
    """
    return {name: _node(name, setup) for name in NAMES}


def _node(name: str, setup: Setup) -> Node:
    inputs, decisions, memory_of = _SERVICES[name]
    policy = getattr(setup.policies, name)
    core = Core(
        kinds=inputs.KINDS,
        roots_of=inputs.roots,
        decide=partial(decisions.decide, policy),
        deadline=partial(decisions.deadline, policy),
    )
    if memory_of is InventoryMemory:
        memory: Memory = InventoryMemory(core, setup.waiters_max)
    else:
        memory = memory_of(core, _roots(name) if setup.stored else ())
    crew = Crew(setup.replicas.get(name, 1))
    skew = timedelta(seconds=setup.skews_seconds.get(name, 0))
    return Node(name, core, frozenset(inputs.HEARS), memory, crew, skew=skew)


@cache
def _roots(name: str) -> Sequence[Root]:
    """How a service's store writes its states."""

    roots: Sequence[Root] = import_module(f"oms_{name}.store").STORE.roots
    return roots
