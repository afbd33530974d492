"""Violations of I1 to I8, to be planted where a check must find them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from scenes import Plant, Scene, completed, some_sku

from oms_cli.reconcile import Check, agreement, door, ledger, once, stock, streams, telling
from oms_cli.reconcile.outside import SentLine
from oms_contracts.answers import OrderClosed
from oms_contracts.order import OrderShipped


async def _lose_an_order(s: Scene) -> None:
    await s.run("order", "DELETE FROM orders WHERE order_id = $1", await completed(s))


async def _promise_at_the_door(s: Scene) -> None:
    s.outside = replace(
        s.outside, sent=[SentLine("store", "S-NEVER-SEEN", "8bfee274-df2d-80cb-a206-1d80e188bb7e")]
    )


async def _book_an_order_twice(s: Scene) -> None:
    await s.run(
        "order",
        "UPDATE orders a SET channel = b.channel, external_id = b.external_id FROM "
        "(SELECT * FROM orders ORDER BY order_id LIMIT 1) b WHERE a.order_id = "
        "(SELECT max(order_id) FROM orders)",
    )


async def _forget_a_deadline(s: Scene) -> None:
    key = await s.value("order", "SELECT order_id FROM orders WHERE waiting_for = 'supplier'")
    await s.run("order", "DELETE FROM due WHERE key = $1", key)


async def _sleep_through_a_deadline(s: Scene) -> None:
    await s.run("billing", "UPDATE due SET at = now() - interval '5 minutes'")


async def _find_a_unit(s: Scene) -> None:
    await s.run(
        "inventory", "UPDATE stock SET on_hand = on_hand + 1 WHERE sku = $1", await some_sku(s)
    )


async def _oversell(s: Scene) -> None:
    await s.run("inventory", "ALTER TABLE movement DROP CONSTRAINT movement_not_oversold")
    await s.run(
        "inventory",
        "UPDATE movement SET reserved_delta = reserved_delta + 1000, "
        "reserved_after = reserved_after + 1000 WHERE number = 1 AND sku = $1",
        await some_sku(s),
    )


async def _book_a_cause_twice(s: Scene) -> None:
    await s.run(
        "inventory",
        "UPDATE movement SET cause = 'again' WHERE kind = 'receipt' OR number = 2",
    )


async def _release_twice(s: Scene) -> None:
    await s.run("inventory", "DELETE FROM allocation")


async def _jump_the_queue(s: Scene) -> None:
    await s.run("inventory", "UPDATE backorder SET qty = qty + 1")


async def _receive_in_silence(s: Scene) -> None:
    await s.run(
        "warehouse", "UPDATE goods_entry SET qty = qty + 1 WHERE sku = $1", await some_sku(s)
    )


async def _post_one_side(s: Scene) -> None:
    await s.run(
        "billing",
        "UPDATE journal_entry SET debit_minor = debit_minor + 1 WHERE account = 'receivables' "
        "AND debit_minor > 0",
    )


async def _shift_between_journals(s: Scene) -> None:
    entries = await s.stores["billing"].fetch(
        "SELECT journal_id FROM journal_entry WHERE account = 'receivables' AND debit_minor > 9 "
        "ORDER BY journal_id LIMIT 2"
    )
    for sign, row in zip((1, -1), entries, strict=True):
        await s.run(
            "billing",
            "UPDATE journal_entry SET debit_minor = debit_minor + $1 "
            "WHERE journal_id = $2 AND debit_minor > 0",
            sign, row["journal_id"],
        )  # fmt: skip


async def _skip_a_number(s: Scene) -> None:
    await s.run("billing", "DELETE FROM invoice WHERE invoice_no LIKE '%-000002'")


async def _forgive_a_debt(s: Scene) -> None:
    order_id = await s.value(
        "billing", "SELECT order_id FROM invoice WHERE method = 'terms' ORDER BY invoice_no"
    )
    await s.run(
        "billing",
        "DELETE FROM journal_entry e USING journal j WHERE j.journal_id = e.journal_id "
        "AND j.order_id = $1",
        order_id,
    )


async def _overcharge(s: Scene) -> None:
    await s.run("billing", "UPDATE invoice SET net_minor = net_minor + 1")


async def _take_cash_unseen(s: Scene) -> None:
    first = next(x for x in s.outside.payments if x.method == "capture" and x.amount_minor)
    payments = [x for x in s.outside.payments if x is not first]
    s.outside = replace(s.outside, payments=payments)


async def _refund_too_much(s: Scene) -> None:
    first = next(x for x in s.outside.payments if x.method == "capture" and x.amount_minor)
    refund = msgspec.structs.replace(first, method="refund", amount_minor=10**9)
    s.outside = replace(s.outside, payments=[*s.outside.payments, refund])


async def _leave_a_promise_open(s: Scene) -> None:
    first = next(x for x in s.outside.payments if x.method == "authorise" and x.amount_minor)
    s.outside = replace(s.outside, payments=[*s.outside.payments, first])


async def _capture_twice(s: Scene) -> None:
    first = next(x for x in s.outside.payments if x.method == "capture" and x.amount_minor)
    s.outside = replace(s.outside, payments=[*s.outside.payments, first])


async def _buy_a_label_twice(s: Scene) -> None:
    first = next(x for x in s.outside.carrier if x.outcome == "bought")
    s.outside = replace(s.outside, carrier=[*s.outside.carrier, first])


async def _label_in_vain(s: Scene) -> None:
    first = next(x for x in s.outside.carrier if x.outcome == "bought")
    s.outside = replace(s.outside, carrier=[x for x in s.outside.carrier if x is not first])


async def _refund_twice(s: Scene) -> None:
    refunds = ("refund", "transfer")
    first = next(x for x in s.outside.payments if x.method in refunds and x.result == "done")
    s.outside = replace(s.outside, payments=[*s.outside.payments, first])


async def _write_twice(s: Scene) -> None:
    """The same messages again, under another order."""
    order_id = await completed(s)
    await s.run(
        "notify",
        "INSERT INTO messages SELECT tenant, 'again', head, partition, seq, changed_at, attention, "
        "doc FROM messages WHERE order_id = $1",
        order_id,
    )


async def _lose_a_mail(s: Scene) -> None:
    first = min(s.outside.mails)
    mails = {id_: n for id_, n in s.outside.mails.items() if id_ != first}
    s.outside = replace(s.outside, mails=mails)


async def _confirm_nothing(s: Scene) -> None:
    await s.run("notify", "DELETE FROM messages WHERE order_id = $1", await completed(s))


async def _lose_the_end_of_the_log(s: Scene) -> None:
    gone = await completed(s)
    last = [t for t in s.told if t.topic == "oms.billing.v1" and t.key == gone][-1]
    s.told.remove(last)


async def _forget_what_was_heard(s: Scene) -> None:
    shipped = next(t for t in s.told if t.type == OrderShipped.TYPE)
    await s.run("inventory", "DELETE FROM inbox WHERE id = $1::uuid", shipped.id)


async def _swap_two_facts(s: Scene) -> None:
    first = next(t for t in s.told if t.topic == "oms.order.v1")
    told = [t for t in s.told if t.key == first.key and t.topic == first.topic][:2]
    s.told = [t for t in s.told if t not in told]
    s.told += [told[0]._replace(offset=told[1].offset), told[1]._replace(offset=told[0].offset)]


async def _ship_in_silence(s: Scene) -> None:
    shipped = next(t for t in s.told if t.type == OrderShipped.TYPE)
    s.told[s.told.index(shipped)] = shipped._replace(type="oms.order.Whatever.v1")


async def _leave_a_channel_waiting(s: Scene) -> None:
    closed = next(t for t in s.told if t.type == OrderClosed.TYPE)
    s.told[s.told.index(closed)] = closed._replace(type="oms.channel.Whatever.v1")


async def _lose_a_shipment(s: Scene) -> None:
    await s.run("shipping", "DELETE FROM shipments WHERE order_id = $1", await completed(s))


async def _hold_for_nobody(s: Scene) -> None:
    held = await s.value("inventory", "SELECT order_id FROM allocation")
    await s.run("inventory", "DELETE FROM reservation WHERE order_id = $1", held)


async def _consume_nothing(s: Scene) -> None:
    await s.run("inventory", "DELETE FROM movement WHERE kind = 'consume'")


async def _lose_a_payment(s: Scene) -> None:
    await s.run("billing", "DELETE FROM payment WHERE order_id = $1", await completed(s))


async def _keep_units_for_the_ended(s: Scene) -> None:
    """An order that waits is declared cancelled, while everybody still works for it."""
    held = await s.value("inventory", "SELECT order_id FROM allocation")
    ended = await s.value("order", "SELECT order_id FROM orders WHERE status = 'completed'")
    await s.run(
        "order",
        "UPDATE orders SET status = e.status, head = e.head, doc = e.doc "
        "FROM (SELECT * FROM orders WHERE order_id = $2) e WHERE orders.order_id = $1",
        held, ended,
    )  # fmt: skip


async def _give_back_twice(s: Scene) -> None:
    """The second time before it was reserved at all, so that the sums are right in the end."""
    await s.run(
        "inventory",
        "UPDATE movement SET reserved_delta = -reserved_delta WHERE order_id = "
        "(SELECT min(order_id) FROM movement WHERE order_id <> '')",
    )


async def _credit_without_posting(s: Scene) -> None:
    await s.run(
        "billing",
        "INSERT INTO credit_note SELECT tenant, 'CN-' || invoice_no, order_id, order_no, '', "
        "invoice_no, 'goodwill', issued_at, currency, lines, shipping_net_minor, "
        "shipping_tax_minor, net_minor, tax_minor, 'none', bill_to FROM invoice LIMIT 1",
    )


PLANTS: dict[Check, Plant] = {
    door.every_placed_order_is_known: _lose_an_order,
    door.every_accepted_order_is_known: _promise_at_the_door,
    door.no_order_is_there_twice: _book_an_order_twice,
    door.every_open_order_has_a_deadline: _forget_a_deadline,
    door.deadlines_are_acted_on: _sleep_through_a_deadline,
    stock.movements_add_up: _find_a_unit,
    stock.never_oversold: _oversell,
    stock.no_cause_is_booked_twice: _book_a_cause_twice,
    stock.reservations_own_what_is_reserved: _release_twice,
    stock.queues_hold_who_waits: _jump_the_queue,
    stock.goods_received_are_booked: _receive_in_silence,
    ledger.ledger_sums_to_zero: _post_one_side,
    ledger.every_journal_balances: _shift_between_journals,
    ledger.numbers_have_no_gap: _skip_a_number,
    ledger.ledger_agrees_with_payments: _forgive_a_debt,
    ledger.invoices_charge_what_was_asked: _overcharge,
    ledger.ledger_agrees_with_provider: _take_cash_unseen,
    ledger.refunds_never_exceed_captures: _refund_too_much,
    ledger.promises_are_used_or_freed: _leave_a_promise_open,
    once.no_invoice_is_captured_twice: _capture_twice,
    once.every_invoice_paid_was_captured: _take_cash_unseen,
    once.no_refund_is_paid_twice: _refund_twice,
    once.no_label_is_bought_twice: _buy_a_label_twice,
    once.one_label_per_parcel: _label_in_vain,
    once.no_message_is_written_twice: _write_twice,
    once.one_mail_per_message: _lose_a_mail,
    once.one_confirmation_per_order: _confirm_nothing,
    streams.topics_hold_what_roots_counted: _lose_the_end_of_the_log,
    streams.every_fact_was_heard: _forget_what_was_heard,
    streams.every_key_is_told_in_order: _swap_two_facts,
    telling.the_topic_tells_the_order: _ship_in_silence,
    telling.channels_were_told: _leave_a_channel_waiting,
    agreement.all_name_the_same_shipments: _lose_a_shipment,
    agreement.all_name_the_same_units: _hold_for_nobody,
    agreement.shipped_units_were_booked_out: _consume_nothing,
    agreement.order_and_billing_name_the_same_money: _lose_a_payment,
    agreement.ended_orders_hold_nothing: _keep_units_for_the_ended,
    stock.reservations_end_once: _give_back_twice,
    ledger.income_is_what_was_charged: _credit_without_posting,
}
