"""Where a person must look: holds, costs, and the floor's scanners."""

from floor import Floor
from merchant import FLOOR, ON_ITS_WAY, Merchant
from ordering import line, placed, unique, until

from oms_contracts.channel import PlacedLine

SERVICE = "service@shop.example"


async def test_a_hold_that_a_person_raised_keeps_an_order_here_until_it_is_released(
    merchant: Merchant, floor: Floor
) -> None:
    sku = unique("GEM")
    await merchant.receive(sku, 1, FLOOR)
    known = await merchant.place(placed(line(sku)))
    work = await floor.worksheet(known)
    page = await merchant.order(known)
    hold = {"gate": "ship", "reason": "the customer calls back"}
    await merchant.do("order", f"/orders/{page['order_id']}/holds", hold)
    await floor.picks(work)
    await floor.packs(work)

    async def packed() -> bool:
        [fulfilment] = (await merchant.order(known))["fulfilments"]
        return fulfilment["state"] == "packed"

    await until(packed)
    page = await merchant.order(known)
    assert [w["owner"] for w in page["waiting"]] == ["customer_service"]
    await merchant.is_mailed(page["order_no"], SERVICE, "[hold] order")
    await merchant.release(page)
    await merchant.reaches(known, *ON_ITS_WAY)


async def test_a_flagged_order_is_paid_and_waits_for_a_person_before_it_is_released(
    merchant: Merchant,
) -> None:
    sku = unique("VINE")
    await merchant.receive(sku, 1)
    known = await merchant.place(placed(line(sku), flags=("VIP",)))
    page = await merchant.reaches(known, "authorised")
    assert [hold["type"] for hold in page["holds"]] == ["special"]
    await merchant.release(page)
    await merchant.reaches(known, *ON_ITS_WAY)


async def test_costs_beyond_the_limit_are_rejected_by_finance(merchant: Merchant) -> None:
    sku = unique("YACHT")
    await merchant.receive(sku, 1)
    known = await merchant.place(placed(line(sku, price_minor=600_000)))
    page = await merchant.reaches(known, "authorised")
    assert page["approval"]["state"] == "pending"
    path = f"/orders/{page['order_id']}/costs/reject"
    refused = await merchant.client("order", "web").post(path, json={"note": "mine"})
    assert refused.status_code == 403
    await merchant.do("order", path, {"note": "too dear"}, "finance")
    page = await merchant.reaches(known, "cancelled")
    assert (page["approval"]["state"], page["approval"]["actor"]) == ("rejected", "finance")
    payment = await merchant.payment(page)
    assert payment["voided_minor"] == payment["authorised_minor"] > 0
    await merchant.holds(sku, 1)


async def test_a_discount_beyond_the_limit_ships_once_finance_has_approved_it(
    merchant: Merchant,
) -> None:
    sku = unique("SALE")
    await merchant.receive(sku, 1)
    reduced = PlacedLine(
        line_id="1", sku=sku, qty=1, unit_price_minor=1_000, discount_minor=500, tax_minor=100
    )
    known = await merchant.place(placed(reduced))
    page = await merchant.reaches(known, "authorised")
    assert [hold["type"] for hold in page["holds"]] == ["costs"]
    path = f"/orders/{page['order_id']}/costs/approve"
    await merchant.do("order", path, {"note": "last one"}, "finance")
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert (page["approval"]["state"], page["approval"]["actor"]) == ("approved", "finance")
    await merchant.has_paid(page, 500 + 100 + 490)


async def test_every_unit_is_scanned_before_a_parcel_can_be_closed(
    merchant: Merchant, floor: Floor
) -> None:
    sku = unique("NAIL")
    await merchant.receive(sku, 5, FLOOR)
    known = await merchant.place(placed(line(sku, 2)))
    work = await floor.worksheet(known)
    await floor.does(work["fulfilment_id"], "start", {})
    wrong = await floor.scan(work["fulfilment_id"], "pick", {"sku": unique("OTHER")})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_item")
    await floor.does(work["fulfilment_id"], "pick", {"sku": sku})
    closed = {"parcels": [{"parcel_no": 1, "weight_grams": 700}]}
    early = await floor.scan(work["fulfilment_id"], "close-packing", closed)
    assert early.status_code == 409, early.text
    await floor.does(work["fulfilment_id"], "pick", {"sku": sku})
    surplus = await floor.scan(work["fulfilment_id"], "pick", {"sku": sku})
    assert surplus.status_code == 409
    await floor.packs(work)
    await merchant.reaches(known, *ON_ITS_WAY)
