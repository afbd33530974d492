"""How orders are paid, and what becomes of those that are not."""

import json
from typing import Any

import pytest_asyncio
from merchant import ON_ITS_WAY, Known, Merchant
from ordering import line, placed, total_minor, unique, until

from oms_contracts.channel import Payment, PaymentMethod

CUSTOMER = "ada@customers.example"


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def latecomers(merchant: Merchant) -> tuple[Known, Known]:
    """Two orders whose payers let their time pass, told of last: it passes during other stories.

    The first one's card is turned down; of the second one's success nobody is told in time.
    """
    sku = unique("COAT")
    await merchant.receive(sku, 2)
    return (
        await merchant.place(placed(line(sku), token="tok_decline_then_pay")),
        await merchant.place(placed(line(sku), token="tok_late_success")),
    )


async def test_a_declined_payment_cancels_the_order_and_releases_its_stock(
    merchant: Merchant,
) -> None:
    sku = unique("RING")
    await merchant.receive(sku, 2)
    known = await merchant.place(placed(line(sku, 2), token="tok_decline"))
    page = await merchant.reaches(known, "cancelled")
    assert page["cancel"]["code"] == "payment_declined"
    await merchant.holds(sku, 2)
    await merchant.is_told(known, "OrderConfirmed", "OrderClosed")
    await merchant.is_mailed(page["order_no"], CUSTOMER, "We have your order", "Cancelled")


async def test_a_payer_who_was_turned_down_pays_with_another_card(merchant: Merchant) -> None:
    sku = unique("WATCH")
    await merchant.receive(sku, 1)
    order = placed(line(sku), token="tok_decline_then_pay")
    known = await merchant.place(order)
    page = await merchant.reaches(known, "awaiting_payment")
    await until(lambda: _stands(merchant, page, "awaiting_payer"))
    path = f"/payments/{page['order_id']}/retry"
    await merchant.do("billing", path, {"token": "tok_approve"}, "finance")
    page = await merchant.reaches(known, *ON_ITS_WAY)
    await merchant.has_paid(page, total_minor(order))


async def test_an_authorisation_over_another_amount_is_looked_at_by_a_person(
    merchant: Merchant,
) -> None:
    sku = unique("BELT")
    await merchant.receive(sku, 1)
    known = await merchant.place(placed(line(sku), token="tok_wrong_amount"))
    page = await merchant.is_held(known, "amount")
    await merchant.do("order", f"/orders/{page['order_id']}/cancel", {"reason": "not all paid"})
    page = await merchant.reaches(known, "cancelled")
    await until(lambda: _voided(merchant, page, 1_689))


async def test_a_capture_that_fails_leaves_an_invoice_that_a_person_collects(
    merchant: Merchant,
) -> None:
    sku = unique("HARP")
    await merchant.receive(sku, 1)
    order = placed(line(sku), token="tok_capture_fails")
    known = await merchant.place(order)
    page = await merchant.reaches(known, "delivered")
    assert page["money"]["state"] == "capture_failed"
    await merchant.is_mailed(
        page["order_no"], CUSTOMER, "We have your order", "Invoice", "Your order"
    )
    await _pay_invoice(merchant, page, total_minor(order))
    await merchant.reaches(known, "completed")


async def test_a_prepaid_order_ships_without_asking_the_provider(merchant: Merchant) -> None:
    sku = unique("HAT")
    await merchant.receive(sku, 3)
    prepaid = Payment(method=PaymentMethod.PREPAID, reference="pre_4711")
    order = placed(line(sku), payment=prepaid)
    known = await merchant.place(order, channel="marketplace")
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert (await merchant.payment(page))["method"] == "prepaid"
    await merchant.has_paid(page, total_minor(order))
    assert _calls(merchant, page) == []
    await until(lambda: _balances(merchant, page))


async def test_an_order_on_account_is_invoiced_when_it_ships_and_paid_later(
    merchant: Merchant,
) -> None:
    sku = unique("DESK")
    await merchant.receive(sku, 3)
    terms = Payment(method=PaymentMethod.TERMS, reference="ACC-77", terms_days=14)
    order = placed(line(sku), payment=terms)
    known = await merchant.place(order, channel="wholesale")
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert _calls(merchant, page) == []
    await _pay_invoice(merchant, page, total_minor(order))
    await until(lambda: _balances(merchant, page))


async def test_payers_whose_time_runs_out_lose_their_orders_and_a_late_success_is_voided(
    merchant: Merchant, latecomers: tuple[Known, Known]
) -> None:
    hesitant, unheard = latecomers
    page = await merchant.reaches(hesitant, "cancelled")
    assert page["cancel"]["code"] == "payment_timeout"
    report = {
        "result": "authorised", "authorisation_id": f"page-1690-{unique('late')}",
        "amount_minor": 1_690, "currency": "EUR",
    }  # fmt: skip
    await merchant.do("billing", f"/payments/{page['order_id']}/callback", report, "finance")
    await until(lambda: _voided(merchant, page, 1_690))

    page = await merchant.reaches(unheard, "cancelled")
    await until(lambda: _voided(merchant, page, 1_690))
    await merchant.holds(page["lines"][0]["sku"], 2)


async def _stands(merchant: Merchant, page: Any, status: str) -> bool:
    payment = await merchant.payment(page)
    return payment is not None and payment["status"] == status


async def _voided(merchant: Merchant, page: Any, amount_minor: int) -> bool:
    """Whether the provider itself holds nothing any more, having held the amount."""
    moved = {call["method"]: call["amount_minor"] for call in _calls(merchant, page, moved=True)}
    return moved.get("void") == amount_minor and "capture" not in moved


def _calls(merchant: Merchant, page: Any, moved: bool = False) -> list[dict[str, Any]]:
    """What the provider was asked about an order, by its own log; perhaps what moved money."""
    log = merchant.stack.data_dir / "payments.jsonl"
    texts = log.read_text().splitlines() if log.exists() else []
    calls = [json.loads(text) for text in texts if page["order_id"] in text]
    return [call for call in calls if not moved or call["amount_minor"]]


async def _pay_invoice(merchant: Merchant, page: Any, amount_minor: int) -> None:
    """The customer pays by transfer; finance books it, once though it is told twice."""
    [owed] = (await until(lambda: _receivables(merchant, page)))["receivables"]
    assert owed["open_minor"] == amount_minor
    receipt = {"amount_minor": amount_minor, "currency": "EUR", "reference": unique("BANK")}
    path = f"/receivables/{owed['invoice_no']}/payments"
    for _ in range(2):
        await merchant.do("billing", path, receipt, "finance")
    [owed] = (await merchant.payment(page))["receivables"]
    assert owed["open_minor"] == 0


async def _receivables(merchant: Merchant, page: Any) -> Any:
    payment = await merchant.payment(page)
    return payment if payment["receivables"] else None


async def _balances(merchant: Merchant, page: Any) -> bool:
    """Whether the order's money has come in and nothing is owed; every journal adds up to zero."""
    sums: dict[str, int] = {}
    for journal in await merchant.facts(page, "LedgerPosted", topic="oms.billing.v1"):
        sides = [
            (e["account"], e["debit_minor"] - e["credit_minor"]) for e in journal.data["entries"]
        ]
        assert sum(amount for _, amount in sides) == 0
        for account, amount in sides:
            sums[account] = sums.get(account, 0) + amount
    owed = (sums.get("receivables", 0), sums.get("customer_deposits", 0))
    return sums.get("cash", 0) > 0 and owed == (0, 0)
