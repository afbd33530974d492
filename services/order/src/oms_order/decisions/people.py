"""What people tell an order: look at it first, let it go on, approve it, answer, settle."""

from __future__ import annotations

from oms_chassis.decision import Decision, again, refuse
from oms_contracts.notify import NotificationFailed
from oms_contracts.order import CostsApproved, CostsRejected, Gate, HoldType, VerdictInput
from oms_contracts.shipping import ParcelStatus
from oms_order.decisions.consequences import conclude
from oms_order.decisions.intake import told
from oms_order.decisions.turn import Turn
from oms_order.decisions.unwinding import cancellable, want_cancel
from oms_order.domain.commands import (
    AnswerBackorder,
    ApproveCosts,
    PlaceHold,
    RejectCosts,
    ReleaseHold,
    ResolveTask,
)
from oms_order.domain.order import Order
from oms_order.domain.policy import BackorderChoice
from oms_order.domain.regions import Approval, ApprovalState, CancelState, TaskKind


def place_hold(order: Order, command: PlaceHold, turn: Turn) -> Decision:
    """Keep the order from a gate."""
    if command.gate is Gate.UNKNOWN:
        return refuse(order, "unknown_gate", "Hold an order from pay, release or ship.")
    if order.finished or not order.remaining:
        return refuse(order, "nothing_to_hold", "Everything was shipped or cancelled before.")
    actor = turn.input.actor
    order = turn.hold(order, HoldType.MANUAL, command.gate, command.reason, actor=actor)
    return conclude(order, turn, answer=_told_with_hold(order))


def _told_with_hold(order: Order) -> dict[str, object]:
    return {**told(order), "hold_id": order.body.holds[-1].hold_id}


def release_hold(order: Order, command: ReleaseHold, turn: Turn) -> Decision:
    """Somebody has looked: the order may pass, to a corrected address if one is given."""
    hold = order.find_hold(command.hold_id)
    if hold is None:
        return refuse(order, "no_such_hold", "The order has no such hold, or no longer.")
    if hold.type is HoldType.COSTS:
        return refuse(order, "costs", "Approve or reject the costs instead.")
    if command.ship_to and command.ship_country != order.placed.ship_country:
        text = "Another country means other taxes and carriers: cancel, and take a new order."
        return refuse(order, "other_country", text)
    ship_to = command.ship_to or order.body.ship_to
    order = turn.lift(order, hold, turn.input.actor, command.note, ship_to=ship_to)
    return conclude(order, turn, answer=told(order))


def approve_costs(order: Order, command: ApproveCosts, turn: Turn) -> Decision:
    """The costs are accepted though they exceed the limits."""
    hold = order.costs_hold()
    if order.body.approval.state is ApprovalState.APPROVED:
        return again(order, answer=told(order))
    if order.body.approval.state is ApprovalState.REJECTED or hold is None:
        return refuse(order, "not_pending", "No costs wait for approval.")
    approval = Approval(ApprovalState.APPROVED, turn.input.actor)
    turn.say(CostsApproved(actor=turn.input.actor, note=command.note, inputs=_figures(order)))
    order = turn.lift(order, hold, approval.actor, command.note, approval=approval)
    return conclude(order, turn, answer=told(order))


def reject_costs(order: Order, command: RejectCosts, turn: Turn) -> Decision:
    """The costs are not accepted: the order is cancelled."""
    if order.finished or order.body.approval.state is not ApprovalState.PENDING:
        return refuse(order, "not_pending", "No costs wait for approval.")
    if order.cancel.state is CancelState.WANTED:
        note = "the order is being cancelled as it is"
        return Decision(order, verdict="late", note=note, answer=told(order))
    figures = _figures(order)
    turn.say(CostsRejected(actor=turn.input.actor, reason=command.reason, inputs=figures))
    order = order.but(approval=Approval(ApprovalState.REJECTED, turn.input.actor))
    order = want_cancel(order, turn, "costs", command.reason)
    return conclude(order, turn, answer=told(order))


def answer_backorder(order: Order, command: AnswerBackorder, turn: Turn) -> Decision:
    """The customer waits on for goods, or does not."""
    if order.body.backordered_since is None:
        return refuse(order, "nothing_waits", "No unit of this order waits for goods.")
    if command.choice is BackorderChoice.WAIT:
        order = order.but(backordered_since=turn.now, customer_asked_at=None)
    else:
        order = give_up_backorders(order, turn, "The customer does not want to wait.")
    return conclude(order, turn, answer=told(order))


def give_up_backorders(order: Order, turn: Turn, reason: str) -> Order:
    """Units that wait for goods are no longer wanted."""
    possible = cancellable(order)
    units = tuple(
        (n, min(line.backordered, possible[n]))
        for n, line in enumerate(order.lines)
        if min(line.backordered, possible[n])
    )
    return want_cancel(order, turn, "backorder", reason, units) if units else order


def resolve_task(order: Order, command: ResolveTask, turn: Turn) -> Decision:
    """Somebody settled something; what will never come is given up."""
    task = next((t for t in order.body.tasks if t.task_id == command.task_id), None)
    if task is None:
        return refuse(order, "no_such_task", "The order has no such task, or no longer.")
    order = order.but(tasks=tuple(t for t in order.body.tasks if t is not task))
    if command.give_up and task.kind is TaskKind.PARCEL:
        order = _give_up_parcel(order, task.subject, turn)
    return conclude(order, turn, answer=told(order))


def _give_up_parcel(order: Order, parcel_id: str, turn: Turn) -> Order:
    for fulfilment in order.gone():
        parcel = fulfilment.parcel(parcel_id)
        if parcel is not None and parcel.ended_at is None:
            ended = fulfilment.arrive(parcel_id, ParcelStatus.LOST, turn.now)
            return order.with_fulfilment(ended)
    return order


def message_failed(order: Order, failed: NotificationFailed, turn: Turn) -> Decision:
    """A message did not reach the customer: somebody may call."""
    if order.task_about(TaskKind.MESSAGE, str(failed.fact_id)) is not None:
        return again(order)
    text = f"The message {failed.template!r} did not arrive: {failed.reason}"[:500]
    return conclude(turn.queue(order, TaskKind.MESSAGE, str(failed.fact_id), text), turn)


def _figures(order: Order) -> tuple[VerdictInput, ...]:
    return tuple(VerdictInput(name=name, value=value) for name, value in order.head.cost_figures)
