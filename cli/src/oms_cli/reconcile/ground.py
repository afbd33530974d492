"""All that the checks look at, read so that it can be compared while the system runs.

First it is noted how far every service has read and where each topic ends, then the stores are
read, each as of one moment, then the topics and the logs of the outside world. An aggregate is
*settled* when every record about it lies before what all its readers had processed by then, no
outbox holds anything about it and none of its inputs is parked: then no store can know more of it
than another. What is compared between stores is compared for settled aggregates alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oms_cli.reconcile.findings import Finding
from oms_cli.reconcile.log import Log, Secrets, Spot, root_key
from oms_cli.reconcile.outside import Outside
from oms_cli.reconcile.quiet import Rest
from oms_cli.reconcile.stores import Kept, Outgoing, Parked, Stores
from oms_order.domain import NoOrder, Order
from oms_platform import SERVICES

Roots = Mapping[str, Mapping[str, Kept]]
NO_SECRETS = Secrets(())


@dataclass(frozen=True)
class Ground:
    """Stores, topics and outside world, and which aggregates are in motion."""

    stores: Stores
    log: Log
    outside: Outside
    roots: Mapping[str, Roots]
    """By service, kind and key."""
    outgoing: list[Outgoing] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    moving: frozenset[str] = frozenset()
    secrets: Secrets = NO_SECRETS
    """What was looked for in the log."""
    rest: Rest | None = None
    """What went on while everything should have been at rest, where that was demanded."""
    injected: frozenset[Spot] | None = None
    """Records that must have become dead letters, and no others; None: nobody said."""

    @property
    def tenant(self) -> str:
        """Whose system it is."""
        return self.stores.tenant

    def settled(self, key: str) -> bool:
        """Whether all stores know the same of an aggregate."""
        return key not in self.moving

    def states(self, service: str, kind: str) -> dict[str, Any]:
        """The settled aggregates of a kind."""
        kept = self.roots[service][kind]
        return {key: root.state for key, root in kept.items() if self.settled(key)}

    def orders(self) -> dict[str, Order]:
        """The settled orders that were accepted."""
        found: dict[str, Order | NoOrder] = self.states("order", "order")
        return {key: state for key, state in found.items() if isinstance(state, Order)}


Check = Callable[[Ground], Awaitable[Finding]]


async def lay_out(stores: Stores, log: Log, outside: Outside) -> Ground:
    """Read everything else from the stores and find out what is in motion."""
    roots = {name: await stores.roots(name) for name in SERVICES}
    outgoing, parked = await stores.outgoing(), await stores.parked()
    calling = await stores.calling()
    return Ground(
        stores, log, outside, roots, outgoing, parked,
        _moving(stores.tenant, log, outgoing, parked, calling),
    )  # fmt: skip


def _moving(
    tenant: str, log: Log, outgoing: list[Outgoing], parked: list[Parked], calling: set[str]
) -> frozenset[str]:
    moving = calling | {row.key for row in parked}
    moving |= {root_key(tenant, row.topic, row.key) for row in outgoing}
    for told in log.told:
        new = told.offset >= log.ends.get(told.place, 0)
        if new or not all(log.was_heard(told, reader) for reader in log.readers(told.topic)):
            moving.add(root_key(tenant, told.topic, told.key))
    return frozenset(moving)
