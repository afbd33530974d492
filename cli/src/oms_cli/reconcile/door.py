"""I1: nothing is lost at the door. I2: everything comes to an end, or somebody is to see to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from oms_chassis.decision import mint_id
from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground
from oms_cli.reconcile.log import Told, channel_of, is_answers
from oms_contracts.channel import OrderPlaced
from oms_order.domain import order_key
from oms_platform import SERVICES

OVERDUE_SECONDS = 90.0
"""A deadline that passed so long ago should have been acted on, or tried, three times."""

_TWICE = """
SELECT channel, external_id, count(*) FROM orders WHERE tenant = $1 AND external_id <> ''
GROUP BY channel, external_id HAVING count(*) > 1
"""
_DEAD = 'SELECT topic, partition, "offset" FROM dead_letter'
_ENDLESS = """
SELECT order_id, status FROM orders o WHERE tenant = $1
  AND status NOT IN ('completed', 'cancelled', 'rejected', 'unknown')
  AND NOT EXISTS (SELECT FROM due WHERE due.key = o.order_id)
"""
_OPEN = """
SELECT count(*) FROM orders WHERE tenant = $1
  AND status NOT IN ('completed', 'cancelled', 'rejected', 'unknown')
"""
_OVERDUE = """
SELECT kind, key, at FROM due WHERE at < now() - make_interval(secs => $1)
  AND NOT EXISTS (SELECT FROM parked p WHERE p.kind = due.kind AND p.key = due.key)
"""


async def every_placed_order_is_known(ground: Ground) -> Finding:
    """What channels placed by Kafka is an order, a rejection, parked, or a dead letter."""
    placed = [
        told for told in ground.log.told
        if channel_of(told.topic) and not is_answers(told.topic)
        and told.type == OrderPlaced.TYPE and ground.log.was_heard(told, "order")
    ]  # fmt: skip
    orders = ground.roots["order"]["order"]
    parked = {p.key for p in ground.parked if p.service == "order"}
    lost = [told for told in placed if _order_id(ground, told) not in orders.keys() | parked]
    dead = {tuple(row) for row in await ground.stores.rows("order", _DEAD)} if lost else set()
    nameless = await _heard_under_their_own_name(ground, lost)
    wrong = [
        f"{told}: no order, rejection or dead letter"
        for told in lost
        if told not in nameless and (told.topic, told.partition, told.offset) not in dead
    ]
    return found("I1", "what channels placed by Kafka is known", len(placed), wrong)


def _order_id(ground: Ground, told: Told) -> str:
    return order_key(ground.tenant, channel_of(told.topic), told.key)


async def _heard_under_their_own_name(ground: Ground, lost: Sequence[Told]) -> set[Told]:
    """Records without a key that were taken under the number in their body."""
    nameless = {input_id(told): told for told in lost if not told.key}
    unheard = await ground.stores.unheard("order", list(nameless))
    return {told for id_, told in nameless.items() if id_ not in unheard}


def input_id(told: Told) -> str:
    """The id under which the order service hears a channel's record."""
    at = datetime.fromtimestamp(max(told.at_ms, 0) / 1000, UTC)
    return str(mint_id(at, f"{told.topic}|{told.partition}|{told.offset}"))


async def every_accepted_order_is_known(ground: Ground) -> Finding:
    """What clients were told was taken over HTTP is in the store, under the id they were given."""
    orders = ground.roots["order"]["order"]
    wrong = [
        f"{line.channel} {line.external_id}: taken as {line.order_id}, and there is no such order"
        for line in ground.outside.sent
        if line.order_id not in orders
        or line.order_id != order_key(ground.tenant, line.channel, line.external_id)
    ]
    count = len(ground.outside.sent)
    return found("I1", "what was accepted over HTTP is known", count, wrong)


async def no_order_is_there_twice(ground: Ground) -> Finding:
    """A channel's number stands for one order."""
    rows = await ground.stores.rows("order", _TWICE, ground.tenant)
    wrong = [f"{channel} {external_id}: {n} orders" for channel, external_id, n in rows]
    count = len(ground.roots["order"]["order"])
    return found("I1", "no order is there twice", count, wrong)


async def every_open_order_has_a_deadline(ground: Ground) -> Finding:
    """Nobody waits in silence: at some moment the order is looked at again."""
    rows = await ground.stores.rows("order", _ENDLESS, ground.tenant)
    [(count,)] = await ground.stores.rows("order", _OPEN, ground.tenant)
    wrong = [f"{order_id}: {status}, and nothing will ever wake it" for order_id, status in rows]
    return found("I2", "every open order has a deadline", count, wrong)


async def deadlines_are_acted_on(ground: Ground) -> Finding:
    """No deadline of any service is long past."""
    wrong, count = [], 0
    for name in SERVICES:
        [(due,)] = await ground.stores.rows(name, "SELECT count(*) FROM due")
        count += due
        for kind, key, at in await ground.stores.rows(name, _OVERDUE, OVERDUE_SECONDS):
            wrong.append(f"{name} {kind} {key}: due since {at:%Y-%m-%d %H:%M:%S}")
    waiting = len({(p.service, p.key) for p in ground.parked})
    note = f"{waiting} keys are parked: see `oms parked list`" if waiting else ""
    return found("I2", "deadlines are acted on", count, wrong, note)
