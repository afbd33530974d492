"""How messages leave: in order, one at a time, until each is sent or given up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import (
    Decision,
    Done,
    Effect,
    Input,
    Refused,
    Unknown,
    derive_id,
    keep,
    late,
    refuse,
    seconds,
)
from oms_contracts.notify import NotificationFailed
from oms_notify.domain import (
    ROLE_OF,
    Alerts,
    Mailbag,
    Message,
    Messages,
    Policy,
    Resend,
    Role,
    Status,
    Template,
)

Root = Messages | Alerts
Outcome = Done | Refused | Unknown

NOBODY_KNOWS = "the mail server never said whether it took the message"
GATEWAY = "mail"
_FIRST_MESSAGE_ID = 1


def queue(
    bag: Mailbag, letters: Iterable[tuple[Template, dict[str, Any]]], input: Input, now: datetime
) -> Mailbag:
    """Put messages behind those that wait. Their ids depend on the input alone."""
    fact_id = str(input.id)
    new = [
        Message(str(input.new_id(n)), template, fact_id, data, now)
        for n, (template, data) in enumerate(letters, start=_FIRST_MESSAGE_ID)
    ]
    return replace(bag, messages=(*bag.messages, *new))


def resend(state: Messages, wish: Resend, input: Input, now: datetime) -> Decision:
    """A person has a message sent once more, as a mail of its own."""
    bag = state.bag
    found = bag.find(wish.message_id)
    if found is None:
        return refuse(state, "unknown_message", "this order has no such message")
    if found.status is Status.RESENT:
        return refuse(state, "resent", "it was sent once more already: resend that message")
    same = [m for m in bag.messages if (m.template, m.fact_id) == (found.template, found.fact_id)]
    if any(m.status in (Status.WAITING, Status.SENDING) for m in same):
        return refuse(state, "under_way", "it is being sent: wait for what becomes of it")
    copy = Message(
        str(input.new_id(_FIRST_MESSAGE_ID)), found.template, found.fact_id, found.data, now,
        asked_by=input.actor,
    )  # fmt: skip
    if found.status is Status.FAILED:
        bag = bag.put(replace(found, status=Status.RESENT))
    answer = {"message_id": copy.message_id}
    return keep(replace(state, bag=bag.put(copy)), answer=answer)


def send_next(policy: Policy, decided: Decision, input: Input, now: datetime) -> Decision:
    """Send the oldest message that waits, unless one is open or a pause is kept."""
    state: Root | None = decided.state
    if state is None or decided.verdict == "refuse" or state.bag.open_call:
        return decided
    waiting = state.bag.first(Status.WAITING)
    if waiting is None or (state.bag.look_at is not None and state.bag.look_at > now):
        return decided
    # Billing calls outside about the same facts; by one id, two answers would be one to the inbox.
    effect_id = derive_id(input.id, GATEWAY)
    sending = replace(waiting, status=Status.SENDING, attempts=waiting.attempts + 1)
    bag = replace(
        state.bag.put(sending),
        open_call=str(effect_id),
        look_at=now + seconds(policy.answer_within_seconds),
    )
    effect = Effect(GATEWAY, "send", _words(policy, state, sending), id=effect_id)
    return replace(decided, state=replace(state, bag=bag), effects=(effect,))


def _words(policy: Policy, state: Root, message: Message) -> Mapping[str, Any]:
    """What the mail gateway needs. `message_id` is the same whenever the mail is tried again."""
    role = ROLE_OF[message.template]
    common = {
        "message_id": message.message_id,
        "template": message.template,
        "to": role,
        "shop_name": policy.shop_name,
        "sender": policy.sender,
        "reply_to": policy.customer_service,
    }
    match role, state:
        case Role.CUSTOMER, Messages():
            to = {"contact": state.head.contact}
        case Role.WAREHOUSE_MANAGER, Alerts():
            to = {"address": policy.manager_of(message.data["location"])}
        case Role.CUSTOMER_SERVICE, _:
            to = {"address": policy.customer_service}
        case _:
            raise ValueError(f"{message.template} is not about this")
    return common | to | {"data": _data(state, message)}


def _data(state: Root, message: Message) -> Mapping[str, Any]:
    if isinstance(state, Alerts):
        return message.data
    head = state.head
    if message.template is not Template.ORDER_CONFIRMATION:
        return {"order_no": head.order_no, **message.data}
    return {
        "order_no": head.order_no,
        "lines": [{"sku": line.sku, "qty": line.qty} for line in head.lines],
        "amount_minor": head.total_minor,
        "currency": head.currency,
    }


def settle(policy: Policy, state: Root, outcome: Outcome, now: datetime) -> Decision:
    """The open mail was taken or refused, or nobody can find out."""
    bag = state.bag
    sending = bag.first(Status.SENDING)
    if sending is None or bag.open_call != str(outcome.effect_id):
        return late(state, "answers a mail that is no longer open")
    closed = replace(bag, open_call="", look_at=None, silent=False)
    match outcome:
        case Done():
            sent = replace(sending, status=Status.SENT, at=now)
            return keep(replace(state, bag=closed.put(sent)))
        case Refused(code=code, text=text):
            return _give_up(state, closed, sending, text or code, now)
        case Unknown() if sending.attempts >= policy.attempts_max:
            return _give_up(state, closed, sending, NOBODY_KNOWS, now)
        case Unknown():
            pause = policy.retry_after_seconds * 2 ** (sending.attempts - 1)
            look_at = now + seconds(min(pause, policy.retry_after_max_seconds))
            waiting = closed.put(replace(sending, status=Status.WAITING))
            return keep(replace(state, bag=replace(waiting, look_at=look_at, silent=True)))


def _give_up(
    state: Root, closed: Mailbag, message: Message, reason: str, now: datetime
) -> Decision:
    """About an order a person may call the customer; a failed alert stands on our own list."""
    reason = reason[:500]
    failed = replace(message, status=Status.FAILED, reason=reason, at=now)
    facts = (
        (
            NotificationFailed(
                fact_id=message.fact_id, template=str(message.template), reason=reason
            ),
        )
        if isinstance(state, Messages)
        else ()
    )
    return Decision(replace(state, bag=closed.put(failed)), facts)


def look_again(policy: Policy, state: Root, now: datetime) -> Decision:
    """A mail is open for too long: say so. A pause that is over ends in `send_next`."""
    bag = state.bag
    if not bag.open_call or bag.look_at is None or bag.look_at > now:
        return keep(state)
    look_at = now + seconds(policy.answer_within_seconds)
    return keep(replace(state, bag=replace(bag, look_at=look_at, silent=True)))
