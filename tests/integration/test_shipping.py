"""Parcels on their way."""

from floor import Floor
from merchant import AUTO, FLOOR, ON_ITS_WAY, Merchant
from ordering import ADDRESS, line, placed, total_minor, unique, until

from oms_contracts.channel import ShipPolicy


async def test_an_order_over_two_locations_ships_in_two_parts(
    merchant: Merchant, floor: Floor
) -> None:
    here, there = unique("SOFA"), unique("LEG")
    await merchant.receive(here, 2)
    await merchant.receive(there, 2, FLOOR)
    order = placed(line(here), line(there), ship_policy=ShipPolicy.SPLIT)
    known = await merchant.place(order)
    page = await merchant.reaches(known, "part_shipped")
    assert {f["location"]: f["state"] for f in page["fulfilments"]}[FLOOR] == "released"
    await floor.picks_and_packs(known)
    page = await merchant.reaches(known, "completed")
    assert {f["location"] for f in page["fulfilments"]} == {AUTO, FLOOR}
    assert len(page["parcels"]) == len({p["tracking_no"] for p in page["parcels"]}) == 2
    payment = await merchant.payment(page)
    assert payment["captured_minor"] == total_minor(order)
    assert [r["gross_minor"] for r in payment["receivables"]] == [1_200 + 490, 1_200]
    await merchant.is_told(
        known, "OrderConfirmed", "OrderDispatched", "OrderDispatched", "OrderClosed"
    )


async def test_an_address_that_the_carrier_refuses_is_corrected_and_the_order_ships(
    merchant: Merchant,
) -> None:
    sku = unique("CRATE")
    await merchant.receive(sku, 1)
    wrong = ADDRESS.model_copy(update={"line1": "Nowhere 1 #refuse"})
    known = await merchant.place(placed(line(sku), ship_to=wrong))
    page = await merchant.is_held(known, "address")
    path = f"/orders/{page['order_id']}/holds/{page['holds'][0]['hold_id']}/release"
    abroad = {"ship_to": ADDRESS.model_copy(update={"country": "CH"}).model_dump()}
    refused = await merchant.client("order").post(path, json=abroad)
    assert (refused.status_code, refused.json()["code"]) == (409, "other_country")
    await merchant.release(page, ship_to=ADDRESS.model_dump())
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert page["personal"]["ship_to"]["line1"] == ADDRESS.line1
    [parcel] = page["parcels"]
    label = await merchant.client("shipping").get(f"/labels/{parcel['parcel_id']}")
    assert ADDRESS.line1 in label.text and wrong.line1 not in label.text


async def test_a_lost_parcel_waits_for_a_person_who_gives_it_up(merchant: Merchant) -> None:
    sku = unique("BOOK")
    await merchant.receive(sku, 1)
    lost = ADDRESS.model_copy(update={"line1": "Far Road 9 #lost"})
    known = await merchant.place(placed(line(sku), ship_to=lost))

    async def asked() -> object:
        page = await merchant.order(known)
        return page if page and page["tasks"] else None

    page = await until(asked)
    assert [t["kind"] for t in page["tasks"]] == ["parcel"]
    path = f"/orders/{page['order_id']}/tasks/{page['tasks'][0]['task_id']}/resolve"
    await merchant.do("order", path, {"note": "the carrier pays", "give_up": True})
    [parcel] = (await merchant.order(known))["parcels"]
    assert parcel["status"] == "lost"
