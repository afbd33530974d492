"""People at desks: customer service, approvers, receivables, payers and their banks."""

from __future__ import annotations

from random import Random
from typing import Any

from world import World

from oms_billing.domain import (
    Attempt,
    AuthorisationReported,
    DeclineReported,
    MoneyReceived,
    PayerRetried,
    Payment,
)
from oms_billing.sandbox import PAGE, authorisation_of
from oms_contracts.order import Gate, HoldType
from oms_notify.domain import Messages, Resend
from oms_order.domain import (
    AnswerBackorder,
    ApproveCosts,
    BackorderChoice,
    CancelOrder,
    Order,
    PlaceHold,
    RejectCosts,
    ReleaseHold,
    ResolveTask,
)
from oms_order.domain import Hold as OrderHold

GATES = (Gate.PAY, Gate.RELEASE, Gate.SHIP)
MENDED = "sealed address#deliver"


def anybody(world: World, rng: Random) -> None:
    """Somebody says something about an order, sensible or not."""
    if not world.orders:
        return
    order_id = rng.choice(world.orders)
    order = world.nodes["order"].state("order", order_id)
    world.command("order", "order", order_id, _command(order, rng), actor="ada")


def cancel(world: World, rng: Random, order_id: str) -> None:
    """Somebody cancels an order, or units of it."""
    order = world.nodes["order"].state("order", order_id)
    told = CancelOrder()
    if isinstance(order, Order) and rng.random() < 0.5:
        line = rng.choice(order.placed.lines)
        told = CancelOrder(((line.line_id, rng.randint(1, line.qty)),), "not these")
    world.command("order", "order", order_id, told, actor="ada")


def _command(order: Any, rng: Random) -> Any:
    if not isinstance(order, Order):
        return rng.choice((CancelOrder(), ApproveCosts(), ReleaseHold("none")))
    choices: list[Any] = [
        PlaceHold(rng.choice(GATES), "look at it"),
        rng.choice((ReleaseHold("none"), ResolveTask("none"), ApproveCosts("fine"))),
    ]
    if order.body.backordered_since is not None:
        choices.append(AnswerBackorder(rng.choice(tuple(BackorderChoice))))
    if order.costs_hold() is not None:
        choices.append(RejectCosts("too dear"))
    for hold in order.body.holds:
        choices += [lift(order, hold)] * 3
    for task in order.body.tasks:
        choices += [ResolveTask(task.task_id, "done", give_up=rng.random() < 0.5)] * 2
    return rng.choice(choices)


def lift(order: Order, hold: OrderHold) -> ReleaseHold | ApproveCosts:
    """Let an order go on; where its address was refused, to another one."""
    if hold.type is HoldType.COSTS:
        return ApproveCosts("fine")
    if hold.type is HoldType.ADDRESS:
        return ReleaseHold(hold.hold_id, "mended", MENDED, order.placed.ship_country)
    return ReleaseHold(hold.hold_id, "looked at")


def money(world: World, rng: Random) -> None:
    """A payer, a bank or the provider says something about a payment."""
    keys = world.nodes["billing"].memory.keys("payment")
    if not keys:
        return
    order_id = rng.choice(keys)
    payment: Payment = world.nodes["billing"].state("payment", order_id)
    if payment.current is not None:
        said = _about(world, rng, payment.current)
        world.command("billing", "payment", order_id, said, actor="bank")


def _about(world: World, rng: Random, attempt: Attempt) -> Any:
    terms = attempt.terms
    made = authorisation_of(attempt.authorise_key) if attempt.authorise_key else ""
    promise = world.outside.payments.provider.promises.get(made)
    choices: list[Any] = [
        PayerRetried(rng.choice(("tok_approve", "tok_decline", "tok_wrong_amount"))),
        DeclineReported(rng.choice(("insufficient_funds", "stolen_card")), terms.request_id),
        MoneyReceived("INV-2026-999999", 1, terms.currency, "bank-0"),
    ]
    if terms.amount_minor:
        page = f"{PAGE}{terms.amount_minor}-{world.serial()}"
        choices.append(AuthorisationReported(page, terms.amount_minor, terms.currency))
    if promise is not None:
        told = AuthorisationReported(
            made, promise.amount_minor, promise.currency, terms.request_id, promise.until
        )
        choices += [told] * 2
    for owed in attempt.receivables:
        some_minor = rng.randint(1, owed.open_minor) if owed.open_minor else 1
        received = MoneyReceived(
            owed.invoice_no, some_minor, terms.currency, f"bank-{world.serial()}"
        )  # fmt: skip
        choices += [received] * 2
    return rng.choice(choices)


def twice(world: World, rng: Random) -> None:
    """Somebody does once more what was done a moment ago: a double scan, a double click."""
    if world.commands:
        world.command(*rng.choice(world.commands))


def mailroom(world: World, rng: Random) -> None:
    """Somebody has a message sent once more."""
    if not world.orders:
        return
    order_id = rng.choice(world.orders)
    messages: Messages | None = world.nodes["notify"].state("messages", order_id)
    sent = [m.message_id for m in messages.bag.messages] if messages is not None else []
    wish = Resend(rng.choice([*sent, "none"]))
    world.command("notify", "messages", order_id, wish, actor="mia")
