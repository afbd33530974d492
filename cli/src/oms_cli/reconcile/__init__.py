"""`oms reconcile`: a reader of its own that proves the whole system consistent, or says where not.

It looks at the six stores with roles that can write nothing, at every topic, and at the logs of
the outside world. See `ground` for why it may do so while the system runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from oms_cli.reconcile import (
    agreement,
    door,
    histories,
    hygiene,
    isolation,
    ledger,
    once,
    projections,
    secrecy,
    stock,
    streams,
    telling,
)
from oms_cli.reconcile.findings import Finding
from oms_cli.reconcile.ground import Check, Ground, lay_out
from oms_cli.reconcile.log import (
    Log,
    Place,
    Secrets,
    Spot,
    Told,
    channel_of,
    is_answers,
    positions,
    read_all,
)
from oms_cli.reconcile.outside import read_outside
from oms_cli.reconcile.quiet import until_quiet, watch
from oms_cli.reconcile.stores import open_stores
from oms_cli.stack import System
from oms_platform.topics import TopicSpec

__all__ = ["CHECKS", "Check", "Demands", "Finding", "Report", "check", "reconcile"]

CHECKS: tuple[Check, ...] = (
    door.every_placed_order_is_known,
    door.every_accepted_order_is_known,
    door.no_order_is_there_twice,
    door.every_open_order_has_a_deadline,
    door.deadlines_are_acted_on,
    stock.movements_add_up,
    stock.never_oversold,
    stock.reservations_end_once,
    stock.no_cause_is_booked_twice,
    stock.reservations_own_what_is_reserved,
    stock.queues_hold_who_waits,
    stock.goods_received_are_booked,
    ledger.ledger_sums_to_zero,
    ledger.every_journal_balances,
    ledger.numbers_have_no_gap,
    ledger.ledger_agrees_with_payments,
    ledger.invoices_charge_what_was_asked,
    ledger.income_is_what_was_charged,
    ledger.ledger_agrees_with_provider,
    ledger.refunds_never_exceed_captures,
    ledger.promises_are_used_or_freed,
    once.no_invoice_is_captured_twice,
    once.every_invoice_paid_was_captured,
    once.no_refund_is_paid_twice,
    once.no_label_is_bought_twice,
    once.one_label_per_parcel,
    once.no_message_is_written_twice,
    once.one_mail_per_message,
    once.one_confirmation_per_order,
    streams.topics_hold_what_roots_counted,
    streams.every_fact_was_heard,
    streams.every_key_is_told_in_order,
    telling.the_topic_tells_the_order,
    telling.channels_were_told,
    agreement.all_name_the_same_shipments,
    agreement.all_name_the_same_units,
    agreement.shipped_units_were_booked_out,
    agreement.order_and_billing_name_the_same_money,
    agreement.ended_orders_hold_nothing,
    projections.projections_are_what_states_say,
    projections.columns_are_what_documents_say,
    projections.deadlines_are_what_states_wait_for,
    projections.stock_levels_were_told,
    histories.orders_are_their_histories,
    hygiene.dead_letters_are_those_expected,
    hygiene.no_transaction_is_forgotten,
    hygiene.no_lock_is_orphaned,
    hygiene.nothing_goes_on_at_rest,
    secrecy.no_topic_tells_a_secret,
    secrecy.no_table_keeps_a_secret_in_clear,
    secrecy.no_log_or_trace_tells_a_secret,
    isolation.no_row_is_anothers,
    isolation.no_record_is_anothers,
    isolation.no_door_answers_across,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What all checks found, and what was in motion and therefore left out of comparisons."""

    findings: Sequence[Finding]
    in_motion: int
    """Aggregates about which something was on its way."""
    unquiet: Sequence[str]
    """What kept moving until the deadline."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.ok for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Demands:
    """What whoever asks knows more about the system than the system tells."""

    at_rest: bool = False
    """Nothing is to happen any more: whatever moves, or is written, is wrong."""
    canaries: Sequence[str] = ()
    """Words, put where personal data goes, that must not be found elsewhere."""
    injected: frozenset[Spot] | None = None
    """Poisoned records: these must be the dead letters, and no others."""


DEMANDING_NOTHING = Demands()


async def check(ground: Ground) -> list[Finding]:
    """Run every check."""
    return [await one(ground) for one in CHECKS]


async def reconcile(
    system: System,
    topics: Sequence[TopicSpec],
    deadline_seconds: float = 30.0,
    demands: Demands = DEMANDING_NOTHING,
) -> Report:
    """Wait until the system is quiet, for so long at most, then check it.

    Raises OSError or an error of the database or broker where one of them is away.
    """
    dsns, bootstrap = system.check_dsns, system.bootstrap
    unquiet = await until_quiet(dsns, bootstrap, topics, deadline_seconds)
    rest = await watch(dsns, bootstrap, topics, unquiet) if demands.at_rest else None
    ends, heard = await positions(bootstrap, topics)
    until = datetime.now(UTC)
    async with open_stores(dsns, system.tenant) as stores:
        outside = read_outside(Path(system.data_dir), until)
        told, begins, secrets = await _read_topics(bootstrap, topics, demands.canaries)
        log = Log({topic.name: topic for topic in topics}, told, begins, ends, heard)
        ground = await lay_out(stores, log, outside)
        probes = await isolation.probe(system, ground)
        ground = replace(
            ground, secrets=secrets, rest=rest, injected=demands.injected,
            outside=replace(outside, probes=probes),
        )  # fmt: skip
        return Report(await check(ground), len(ground.moving), unquiet)


async def _read_topics(
    bootstrap: str, topics: Sequence[TopicSpec], canaries: Sequence[str]
) -> tuple[list[Told], dict[Place, int], Secrets]:
    """First what channels said, since that tells what must stand nowhere else."""
    foreign = [t for t in topics if channel_of(t.name) and not is_answers(t.name)]
    told, begins = await read_all(bootstrap, foreign)
    secrets = secrecy.secrets_of(told, canaries)
    ours = [t for t in topics if t not in foreign]
    told_by_us, begins_of_ours = await read_all(bootstrap, ours, secrets)
    return told + told_by_us, begins | begins_of_ours, secrets
