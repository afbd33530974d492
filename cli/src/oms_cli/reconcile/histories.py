"""I9: an order is what its history makes of it."""

from __future__ import annotations

from collections import defaultdict

from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground
from oms_order.domain import Policy
from oms_order.history import COLUMNS, POLICIES, VERSION, Heard, Rules, rebuild

ORDERS_MAX = 1_000
"""Most orders that are folded again, the newest ones."""
_ORDERS = "SELECT * FROM orders WHERE tenant = $1 ORDER BY received_at DESC, order_id LIMIT $2"
_HEARD = f"SELECT {COLUMNS} FROM inbox WHERE key = ANY($1::text[])"
_POLICIES = f"SELECT {POLICIES} FROM policy"


async def orders_are_their_histories(ground: Ground) -> Finding:
    """Everything an order was told, folded again, makes the row that is stored."""
    orders = await ground.stores.rows("order", _ORDERS, ground.tenant, ORDERS_MAX)
    rules = Rules.kept(Policy(), await ground.stores.rows("order", _POLICIES))
    heard: dict[str, list[Heard]] = defaultdict(list)
    for row in await ground.stores.rows("order", _HEARD, [o["order_id"] for o in orders]):
        heard[row["key"]].append(Heard(**row))
    ours = [o for o in orders if _decided_by_us(rules, heard[o["order_id"]])]
    wrong = []
    for order in ours:
        if differing := rebuild(rules, heard[order["order_id"]]).differs_from(order):
            columns = ", ".join(differing)
            wrong.append(f"{order['order_id']}: by its history it has another {columns}")
    left_out = len(orders) - len(ours)
    note = f"{left_out} were decided by another release" if left_out else ""
    return found("I9", "orders are what their histories make of them", len(ours), wrong, note)


def _decided_by_us(rules: Rules, heard: list[Heard]) -> bool:
    """Another release may have decided otherwise, on purpose."""
    return all(rules.version_of(h) == VERSION for h in heard if h.place is not None)
