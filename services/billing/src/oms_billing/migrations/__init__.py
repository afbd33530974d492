"""Billing's database, revision by revision, and what leaves it when it is old."""

from oms_chassis.ageing import Aged, Period
from oms_chassis.retiring import Ended

LEDGER_YEARS_KEPT = 10
"""As long as books must be kept where we know of; longer is a policy (`OMS_KEPT_PERIODS`)."""
CARRY = """
INSERT INTO ledger_carried AS c (tenant, currency, account, debit_minor, credit_minor)
SELECT tenant, j.currency, e.account, sum(e.debit_minor), sum(e.credit_minor)
FROM {journal} j JOIN {journal_entry} e USING (tenant, journal_id) GROUP BY 1, 2, 3
ON CONFLICT (tenant, currency, account) DO UPDATE SET
  debit_minor = c.debit_minor + EXCLUDED.debit_minor,
  credit_minor = c.credit_minor + EXCLUDED.credit_minor
"""
LEDGER = Aged(
    ("journal", "journal_entry"), "journal_id", Period.MONTH, kept=LEDGER_YEARS_KEPT * 12,
    newest="posted_at", before=CARRY,
)  # fmt: skip
"""A month holds the journals of payments that were first asked for in it; it leaves when all of
them were posted long ago, and is never dropped. What it adds to each account is carried."""
AGED = (LEDGER,)
ENDED = (
    Ended(
        "payment", "payment", "order_id",
        "NOT EXISTS (SELECT FROM open_item i WHERE i.tenant = r.tenant "
        "AND i.order_id = r.order_id AND i.status <> 'settled')",
        along={"open_item": "order_id = ANY($2::text[])"},
    ),
)  # fmt: skip
"""Invoices and credit notes stay, as long as the ledger."""
