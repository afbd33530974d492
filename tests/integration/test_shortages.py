"""Goods that are not there, or not where they should be."""

from typing import Any

from floor import Floor
from merchant import AUTO, FLOOR, ON_ITS_WAY, Known, Merchant
from ordering import line, placed, unique, until

from oms_contracts.channel import BackorderPolicy, ShipPolicy

CUSTOMER, SERVICE, MANAGER = (
    "ada@customers.example",
    "service@shop.example",
    "warehouse@shop.example",
)


async def test_what_is_out_of_stock_is_bought_and_shipped_to_who_came_first(
    merchant: Merchant,
) -> None:
    sku = unique("SLED")
    first = await merchant.place(placed(line(sku, 2)))
    page = await merchant.reaches(first, "backordered")
    second = await merchant.place(placed(line(sku, 2)))
    await merchant.reaches(second, "backordered")

    bought = await merchant.purchase(sku)
    await until(lambda: _promised(merchant, first, bought["eta"]))
    assert await merchant.payment(page) is None
    await until(lambda: _alerted(merchant, sku, page["order_no"]))

    await merchant.receive(sku, 2, po_line=bought["po_line"])
    await merchant.reaches(first, *ON_ITS_WAY)
    assert (await merchant.order(second))["status"] == "backordered"
    await merchant.receive(sku, 8, po_line=bought["po_line"])
    await merchant.reaches(second, *ON_ITS_WAY)
    await merchant.holds(sku, 6)


async def test_a_more_important_order_is_served_before_those_that_came_earlier(
    merchant: Merchant,
) -> None:
    sku = unique("DRUM")
    usual = await merchant.place(placed(line(sku)))
    await merchant.reaches(usual, "backordered")
    important = await merchant.place(placed(line(sku), priority=9))
    await merchant.reaches(important, "backordered")
    await merchant.receive(sku, 1)
    await merchant.reaches(important, *ON_ITS_WAY)
    assert (await merchant.order(usual))["status"] == "backordered"


async def test_what_is_there_ships_and_the_rest_follows_when_it_comes(merchant: Merchant) -> None:
    here, missing = unique("POT"), unique("LID")
    await merchant.receive(here, 1)
    order = placed(line(here), line(missing), ship_policy=ShipPolicy.SPLIT)
    known = await merchant.place(order)
    await merchant.reaches(known, "part_shipped")
    await merchant.receive(missing, 1)
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert len(page["parcels"]) == 2
    await merchant.has_paid(page, order.totals.grand_total_minor)


async def test_an_order_that_must_ship_complete_waits_for_its_last_unit(
    merchant: Merchant,
) -> None:
    here, missing = unique("BOLT"), unique("NUT")
    await merchant.receive(here, 1)
    known = await merchant.place(placed(line(here), line(missing), ship_policy=ShipPolicy.COMPLETE))
    await merchant.reaches(known, "authorised")
    await merchant.purchase(missing)
    await merchant.holds(here, 1, 1)
    await merchant.receive(missing, 1)
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert len(page["parcels"]) == 1


async def test_a_customer_who_does_not_want_to_wait_is_told_at_once(merchant: Merchant) -> None:
    sku = unique("TENT")
    await merchant.receive(sku, 1)
    known = await merchant.place(placed(line(sku, 2), backorder_policy=BackorderPolicy.DENY))
    page = await merchant.reaches(known, "cancelled")
    assert page["cancel"]["code"] == "out_of_stock"
    assert await merchant.payment(page) is None
    await merchant.holds(sku, 1)
    await merchant.is_mailed(page["order_no"], CUSTOMER, "We have your order", "Cancelled")
    assert merchant.mails(sku, MANAGER) == []


async def test_units_that_the_picker_does_not_find_are_taken_from_elsewhere(
    merchant: Merchant, floor: Floor
) -> None:
    sku = unique("PIPE")
    await merchant.receive(sku, 2, FLOOR)
    known = await merchant.place(placed(line(sku, 2)))
    work = await floor.worksheet(known)
    await merchant.receive(sku, 1, AUTO)
    await floor.does(work["fulfilment_id"], "start", {})
    await floor.does(work["fulfilment_id"], "pick", {"sku": sku})
    await floor.reports_short(work, work["lines"][0], 1)
    await floor.packs(work)
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert sorted(f["location"] for f in page["fulfilments"]) == [FLOOR, AUTO]
    await merchant.holds(sku, 0, location=AUTO)


async def test_a_count_that_finds_less_breaks_a_reservation_and_the_order_recovers(
    merchant: Merchant, floor: Floor
) -> None:
    sku = unique("ROPE")
    await merchant.receive(sku, 3, FLOOR)
    known = await merchant.place(placed(line(sku, 2)))
    await floor.worksheet(known)
    await merchant.count(sku, 0, FLOOR)
    page = await merchant.reaches(known, "authorised", "backordered")
    assert page["lines"][0]["buckets"]["backordered"] == 2
    await merchant.receive(sku, 2, AUTO)
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert [(f["location"], f["state"] == "stopped") for f in page["fulfilments"]] == [
        (FLOOR, True), (AUTO, False),
    ]  # fmt: skip
    for location in (FLOOR, AUTO):
        await merchant.holds(sku, 0, location=location)


async def _promised(merchant: Merchant, known: Known, eta: str) -> Any:
    promises = [line["promise"] for line in (await merchant.order(known))["lines"]]
    return promises == [eta]


async def _alerted(merchant: Merchant, sku: str, order_no: str) -> bool:
    """The warehouse's manager, the customer and customer service have been written to."""
    mailed = {
        MANAGER: [m.subject for m in merchant.mails(sku, MANAGER)],
        CUSTOMER: [m.subject for m in merchant.mails(order_no, CUSTOMER)],
        SERVICE: [m.subject for m in merchant.mails(order_no, SERVICE)],
    }
    return (
        any(subject.startswith("[shortage]") for subject in mailed[MANAGER])
        and any("will be late" in subject for subject in mailed[CUSTOMER])
        and any(subject.startswith("[delay]") for subject in mailed[SERVICE])
    )
