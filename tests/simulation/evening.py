"""The evening of a seed: the chaos is over, people do their work, time passes, all comes to rest.

Whoever is on strike does nothing for good; then everything must end, or wait for them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import trade
from node import Node
from office import lift
from outside import Manner
from replicas import Place
from trade import hand_over, labelled, next_deed, receive, shipments
from trouble import mend_first
from ways import Violation
from world import BATCH_MAX, World

from oms_billing.domain import MoneyReceived, PayerRetried, ReceivableStatus
from oms_billing.domain import Status as PaymentStatus
from oms_chassis.decision import Effect
from oms_contracts.order import HoldType
from oms_order.domain import CancelOrder, Order, ResolveTask, TaskKind

ROUNDS_MAX = 600
OVERSLEEP_MAX = timedelta(hours=6)
RECORDS_MAX = 3
"""So many records of one place come in one batch."""
SLEEPS_ON_STRIKE = 60
"""So often for every order somebody is woken while others strike; then nothing else moves."""


def settle(world: World) -> None:
    """Until nothing moves."""
    sleeps = 0
    for _ in range(ROUNDS_MAX * max(1, len(world.orders))):
        drain(world)
        if _work(world):
            continue
        if world.setup.on_strike and sleeps >= SLEEPS_ON_STRIKE * len(world.orders):
            return
        if not _sleep(world, min(timedelta(milliseconds=2 ** min(sleeps, 30)), OVERSLEEP_MAX)):
            return
        sleeps += 1
    waiting = {n.name: sorted(ref[1] for ref, _ in n.deadlines()) for n in world.nodes.values()}
    raise Violation(f"no rest: {waiting} are woken for ever")


def drain(world: World) -> None:
    """All that was said is heard, and all that is asked of the outside is answered."""
    moved = True
    while moved:
        moved = False
        while world.outside.under_way:
            world.arrive(0)
        for node in world.nodes.values():
            for place in node.unsent():
                world.relay(node, place)
                moved = True
            for ref in list(node.parking.keys):
                mend_first(world, node, ref)
                moved = True
            for places in _by_owner(node):
                for n in range(0, len(places), BATCH_MAX):
                    world.deliver(node, places[n : n + BATCH_MAX], RECORDS_MAX)
                moved = True
            for call in list(node.calls):
                _before(world, node.calls[call].effect)
                world.perform(node, call, Manner.HONEST)
                moved = True


def _by_owner(node: Node) -> list[list[Place]]:
    """What each replica has yet to hear."""
    places: dict[Any, list[Place]] = {}
    for place in node.waiting:
        places.setdefault(node.crew.owner(place[1]), []).append(place)
    return list(places.values())


def _before(world: World, effect: Effect) -> None:
    """Whenever the carrier is asked, the parcels it is asked about have come a bit further."""
    if effect.method == "track":
        carrier = world.outside.carrier
        for number in effect.body["tracking_nos"]:
            if carrier.purchases[carrier.purchase_of[number]].taken:
                carrier.scan(number, world.now)


def _sleep(world: World, longer: timedelta) -> bool:
    """Until somebody's time is up; later and later after it, so that no patience is too short."""
    due = world.next_due()
    if due is None:
        return False
    world.now = max(world.now, due) + longer
    for node in world.nodes.values():
        world.wake(node)
    return True


def _work(world: World) -> bool:
    """Whether anybody did something."""
    return any([deed(world) for who, deed in _WORK if who not in world.setup.on_strike])


def _serve_customers(world: World) -> bool:
    """Holds are looked at and tasks settled. What the carrier refuses for good is cancelled."""
    moved = False
    for order_id in world.orders:
        order = world.nodes["order"].state("order", order_id)
        if not isinstance(order, Order):
            continue
        for hold in order.body.holds:
            if hold.type is HoldType.COSTS:
                continue
            told = CancelOrder() if hold.type is HoldType.CARRIER else lift(order, hold)
            decision = world.command("order", "order", order_id, told, actor="ada")
            moved = moved or (decision is not None and decision.verdict == "apply")
        for task in order.body.tasks:
            lost = task.kind is TaskKind.PARCEL and _never_arrives(world, order_id, task.subject)
            settled = ResolveTask(task.task_id, "settled", give_up=lost)
            world.command("order", "order", order_id, settled, actor="ada")
            moved = True
    return moved


def _never_arrives(world: World, order_id: str, parcel_id: str) -> bool:
    numbers = [
        p.tracking_no for s in shipments(world, order_id).shipments for p in s.parcels
        if p.parcel_id == parcel_id and p.tracking_no
    ]  # fmt: skip
    return any(world.outside.carrier.never_arrives(number) for number in numbers)


def _approve(world: World) -> bool:
    moved = False
    for order_id in world.orders:
        order = world.nodes["order"].state("order", order_id)
        if isinstance(order, Order) and (hold := order.costs_hold()):
            decision = world.command("order", "order", order_id, lift(order, hold), actor="chef")
            moved = moved or (decision is not None and decision.verdict == "apply")
    return moved


def _pick_and_pack(world: World) -> bool:
    moved = False
    for order_id in world.nodes["warehouse"].memory.keys("fulfilments"):
        for f in world.nodes["warehouse"].state("fulfilments", order_id).fulfilments:
            if not f.finished:
                told = next_deed(world, Random(world.serial()), f, calm=True)
                picker = f.picker or trade.PICKERS[0]
                world.command("warehouse", "fulfilments", order_id, told, actor=picker)
                moved = True
    return moved


def _load_the_van(world: World) -> bool:
    waiting = labelled(world)
    for order_id, shipment_id, numbers in waiting:
        hand_over(world, order_id, shipment_id, numbers)
    carrier = world.outside.carrier
    for order_id in world.nodes["shipping"].memory.keys("shipments"):
        for shipment in shipments(world, order_id).shipments:
            if shipment.shipped_at is not None:
                carrier.purchases[shipment.request_id].taken = True
    return bool(waiting)


def _bring_goods(world: World) -> bool:
    """The supplier delivers all that was ordered, once it is due."""
    moved = False
    for sku in world.nodes["warehouse"].memory.keys("goods"):
        for line in world.nodes["warehouse"].state("goods", sku).purchases:
            if line.eta <= world.now:
                receive(world, sku, line.location, line.open_qty, line.po_line)
                moved = True
    return moved


def _collect_money(world: World) -> bool:
    """What is owed is paid by bank transfer, and whoever is to be paid back has an account."""
    moved = False
    world.outside.payments.accounts_are_good = True
    for order_id in world.nodes["billing"].memory.keys("payment"):
        for attempt in world.nodes["billing"].state("payment", order_id).attempts:
            for r in attempt.receivables:
                owed = r.status in (ReceivableStatus.OWED, ReceivableStatus.ON_ACCOUNT)
                if owed and r.next_at is not None and r.next_at <= world.now + timedelta(days=8):
                    paid = MoneyReceived(
                        r.invoice_no, r.open_minor, attempt.terms.currency,
                        f"bank-{world.serial()}",
                    )  # fmt: skip
                    world.command("billing", "payment", order_id, paid, actor="bank")
                    moved = True
    return moved


def _pay(world: World) -> bool:
    """Every other payer whose card was declined finds another one."""
    moved = False
    for n, order_id in enumerate(world.nodes["billing"].memory.keys("payment")):
        attempt = world.nodes["billing"].state("payment", order_id).current
        waits = attempt is not None and attempt.status is PaymentStatus.AWAITING_PAYER
        if waits and n % 2 and world.now < attempt.terms.expires_at:
            retried = PayerRetried("tok_approve")
            world.command("billing", "payment", order_id, retried, actor="payer")
            moved = True
    return moved


_WORK: tuple[tuple[str, Callable[[World], bool]], ...] = (
    ("customer service", _serve_customers),
    ("approver", _approve),
    ("picker", _pick_and_pack),
    ("driver", _load_the_van),
    ("supplier", _bring_goods),
    ("receivables", _collect_money),
    ("payer", _pay),
)
