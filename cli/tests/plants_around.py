"""Violations of I9 to I12, to be planted where a check must find them."""

from __future__ import annotations

from dataclasses import replace

from scenes import Plant, Scene, completed

from oms_cli.reconcile import Check, histories, hygiene, isolation, projections, secrecy
from oms_cli.reconcile.outside import Probe
from oms_cli.reconcile.quiet import Rest


async def _lose_work(s: Scene) -> None:
    await s.run("warehouse", "UPDATE fulfilment SET picker = 'nobody'")


async def _tell_another_status(s: Scene) -> None:
    await s.run(
        "order", "UPDATE orders SET status = 'open' WHERE order_id = $1", await completed(s)
    )


async def _wake_for_nothing(s: Scene) -> None:
    await s.run(
        "shipping", "INSERT INTO due VALUES ('shipments', $1, 0, now())", await completed(s)
    )


async def _tell_no_level(s: Scene) -> None:
    await s.run("inventory", "UPDATE stock SET on_hand = on_hand + 1")


async def _forget_an_input(s: Scene) -> None:
    await s.run(
        "order", "DELETE FROM inbox WHERE key = $1 AND type LIKE '%PaymentCaptured%'",
        await completed(s),
    )  # fmt: skip


async def _bury_a_fact(s: Scene) -> None:
    await s.run(
        "billing",
        "INSERT INTO dead_letter VALUES ('oms.order.v1', 0, 0, now(), '', '', 'unreadable', '')",
    )


async def _write_at_rest(s: Scene) -> None:
    s.rest = Rest((), ["rows written by billing: 3 more"])


async def _tell_a_name(s: Scene) -> None:
    first = next(t for t in s.told if t.topic == "oms.order.v1")
    s.told[s.told.index(first)] = first._replace(secret="ada@customers.example")


async def _keep_a_name(s: Scene) -> None:
    await s.run(
        "billing",
        "INSERT INTO dead_letter VALUES ('oms.channel.web.v1', 0, 0, now(), '', '', $1, '')",
        f"cannot read {s.secrets.words[0].upper()}",
    )


async def _log_a_name(s: Scene) -> None:
    [log] = [file for file in s.outside.files if file.name == "order.log"]
    log.write_text(f'{{"event": "mail to {s.secrets.words[0]}"}}\n')


async def _store_for_another(s: Scene) -> None:
    await s.run(
        "notify", "UPDATE messages SET tenant = 'other' WHERE order_id = $1", await completed(s)
    )


async def _speak_for_another(s: Scene) -> None:
    first = next(t for t in s.told if t.topic == "oms.order.v1")
    s.told[s.told.index(first)] = first._replace(tenant="other")


async def _answer_across(s: Scene) -> None:
    probe = Probe("order", "store", "/orders/{order} of web", 200, leaks=True)
    s.outside = replace(s.outside, probes=[*s.outside.probes, probe])


async def _forget_a_transaction(s: Scene) -> None:
    """What the server shows of its sessions is looked up by name, so a table can stand for it."""
    await s.run(
        "billing",
        "CREATE TEMP TABLE pg_stat_activity AS SELECT * FROM pg_catalog.pg_stat_activity;"
        "UPDATE pg_temp.pg_stat_activity SET state = 'idle in transaction', "
        "state_change = now() - interval '1 hour', datname = current_database(), pid = 0",
    )


async def _orphan_a_lock(s: Scene) -> None:
    await s.run(
        "billing",
        "CREATE TEMP TABLE pg_locks AS SELECT * FROM pg_catalog.pg_locks;"
        "UPDATE pg_temp.pg_locks SET pid = NULL",
    )


PLANTS: dict[Check, Plant] = {
    projections.projections_are_what_states_say: _lose_work,
    projections.columns_are_what_documents_say: _tell_another_status,
    projections.deadlines_are_what_states_wait_for: _wake_for_nothing,
    projections.stock_levels_were_told: _tell_no_level,
    histories.orders_are_their_histories: _forget_an_input,
    hygiene.dead_letters_are_those_expected: _bury_a_fact,
    hygiene.no_transaction_is_forgotten: _forget_a_transaction,
    hygiene.no_lock_is_orphaned: _orphan_a_lock,
    hygiene.nothing_goes_on_at_rest: _write_at_rest,
    secrecy.no_topic_tells_a_secret: _tell_a_name,
    secrecy.no_table_keeps_a_secret_in_clear: _keep_a_name,
    secrecy.no_log_or_trace_tells_a_secret: _log_a_name,
    isolation.no_row_is_anothers: _store_for_another,
    isolation.no_record_is_anothers: _speak_for_another,
    isolation.no_door_answers_across: _answer_across,
}
