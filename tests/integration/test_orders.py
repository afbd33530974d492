"""Orders that go well, and orders that should never have been sent."""

import asyncio
import json

from floor import Floor
from merchant import AUTO, FLOOR, Known, Merchant, line, placed, unique, until

from oms_contracts import wire
from oms_contracts.channel import OrderPlaced, Payment, PaymentMethod, ShipPolicy, Totals


async def test_an_order_is_paid_packed_shipped_delivered_and_followed_up(
    merchant: Merchant,
) -> None:
    sku = unique("LAMP")
    await merchant.receive(sku, 5)
    known = await merchant.place(placed(line(sku, 2)))
    page = await merchant.reaches(known, "completed")
    assert [x["buckets"]["shipped"] for x in page["lines"]] == [2]
    assert await merchant.stock(sku, AUTO) == {
        "location": AUTO, "on_hand": 3, "reserved": 0, "available": 3,
    }  # fmt: skip
    await until(
        lambda: _answered(merchant, known, "OrderConfirmed", "OrderDispatched", "OrderClosed")
    )
    await until(lambda: _mailed(merchant, page["order_no"], 4))
    payment = await merchant.see("billing", f"/payments/{page['order_id']}")
    assert payment["captured_minor"] == 2 * 1_000 * 120 // 100 + 490


async def test_an_order_placed_twice_at_once_through_kafka_and_http_is_one_order(
    merchant: Merchant,
) -> None:
    sku = unique("MUG")
    await merchant.receive(sku, 10)
    order = placed(line(sku))
    known, posted, again = await asyncio.gather(
        merchant.place(order), merchant.post_order(order), merchant.place(order)
    )
    assert posted.is_success, posted.text
    assert known == again
    await merchant.reaches(known, "shipped", "delivered", "completed")
    assert await merchant.on_hand(sku) == 9


async def test_one_idempotency_key_places_one_order(merchant: Merchant) -> None:
    sku, key = unique("CUP"), unique("key")
    order = placed(line(sku))
    first = await merchant.post_order(order, idempotency_key=key)
    same = await merchant.post_order(order, idempotency_key=key)
    other = await merchant.post_order(placed(line(sku)), idempotency_key=key)
    assert first.is_success and same.is_success, first.text
    assert first.json()["order_id"] == same.json()["order_id"]
    assert other.status_code == 422


async def test_a_malformed_order_is_rejected_with_every_reason(merchant: Merchant) -> None:
    order = json.loads(wire.encode(placed(line(unique("X")))))
    order["currency"] = "euro"
    order["lines"][0]["qty"] = 0
    del order["ship_to"]
    await merchant.publish(
        "web", order["external_id"], OrderPlaced.TYPE, json.dumps(order).encode()
    )
    known = Known("web", order["external_id"])
    await until(lambda: _answered(merchant, known, "OrderRejected"))
    [(_, told)] = await merchant.log("oms.channel.web.answers.v1", known.external_id)
    fields = {reason["field"] for reason in json.loads(told)["reasons"]}
    assert {"currency", "lines.0.qty", "ship_to"} <= fields


async def test_bytes_that_are_no_order_become_dead_letters_and_hold_up_nobody(
    merchant: Merchant,
) -> None:
    sku = unique("PEN")
    await merchant.receive(sku, 3)
    for garbage in (b"", b"\x00\xff not json", b"[" * 5_000, b'{"a":' + b"9" * 300_000 + b"}"):
        await merchant.publish("web", "", OrderPlaced.TYPE, garbage)
    known = await merchant.place(placed(line(sku)))
    await merchant.reaches(known, "shipped", "delivered", "completed")
    letters = await merchant.see("order", "/dead-letters")
    assert len([x for x in letters if x["topic"] == "oms.channel.web.v1"]) >= 4


async def test_hostile_text_in_an_order_stays_text(merchant: Merchant) -> None:
    sku = unique("BOX")
    await merchant.receive(sku, 3)
    order = placed(line(sku))
    hostile = order.model_copy(
        update={
            "contact": order.contact.model_copy(
                update={"name": "=cmd()|' /C'!A0 <script>x</script>"}
            ),
            "note": "'; DROP TABLE orders; --",
        }
    )
    known = await merchant.place(hostile)
    page = await merchant.reaches(known, "shipped", "delivered", "completed")
    html = await merchant.client("order").get(f"/orders/{page['order_id']}.html")
    assert html.is_success and "<script>x" not in html.text


async def test_totals_that_do_not_add_up_wait_for_a_person_before_payment(
    merchant: Merchant,
) -> None:
    sku = unique("TOY")
    await merchant.receive(sku, 3)
    wrong = Totals(goods_minor=1_000, tax_minor=200, shipping_minor=490, grand_total_minor=1_600)
    known = await merchant.place(placed(line(sku), totals=wrong))
    page = await until(lambda: _held(merchant, known, "totals"))
    assert await merchant.see("billing", f"/payments/{page['order_id']}") is None
    await _release_all(merchant, page)
    await merchant.reaches(known, "shipped", "delivered", "completed")


async def test_a_prepaid_order_ships_without_asking_the_provider(merchant: Merchant) -> None:
    sku = unique("HAT")
    await merchant.receive(sku, 3)
    prepaid = Payment(method=PaymentMethod.PREPAID, reference="pre_4711")
    known = await merchant.place(placed(line(sku), payment=prepaid), channel="marketplace")
    page = await merchant.reaches(known, "completed")
    payment = await merchant.see("billing", f"/payments/{page['order_id']}")
    assert payment["method"] == "prepaid"


async def test_an_order_over_two_locations_ships_in_two_parts(merchant: Merchant) -> None:
    here, there = unique("SOFA"), unique("LEG")
    await merchant.receive(here, 2)
    await merchant.receive(there, 2, FLOOR)
    known = await merchant.place(placed(line(here), line(there), ship_policy=ShipPolicy.SPLIT))
    await merchant.reaches(known, "part_shipped")
    await Floor(merchant).picks_and_packs(known)
    page = await merchant.reaches(known, "completed")
    assert len(page["parcels"]) == 2
    payment = await merchant.see("billing", f"/payments/{page['order_id']}")
    assert payment["captured_minor"] == 2 * 1_200 + 490


async def test_every_unit_is_scanned_before_a_parcel_can_be_closed(merchant: Merchant) -> None:
    sku, floor = unique("NAIL"), Floor(merchant)
    await merchant.receive(sku, 5, FLOOR)
    known = await merchant.place(placed(line(sku, 2)))
    work = await floor.worksheet(known)
    await floor.does(work["fulfilment_id"], "start", {})
    wrong = await floor.scan(work["fulfilment_id"], "pick", {"sku": unique("OTHER")})
    assert wrong.status_code == 409
    await floor.does(work["fulfilment_id"], "pick", {"sku": sku})
    closed = {"parcels": [{"parcel_no": 1, "weight_grams": 700}]}
    early = await floor.scan(work["fulfilment_id"], "close-packing", closed)
    assert early.status_code == 409, early.text
    await floor.does(work["fulfilment_id"], "pick", {"sku": sku})
    surplus = await floor.scan(work["fulfilment_id"], "pick", {"sku": sku})
    assert surplus.status_code == 409
    await floor.packs(work)
    await merchant.reaches(known, "shipped", "delivered", "completed")


async def _answered(merchant: Merchant, known: Known, *names: str) -> bool:
    told = [type_.split(".")[2] for type_ in await merchant.answers(known)]
    return told == list(names)


async def _mailed(merchant: Merchant, order_no: str, count: int) -> bool:
    return len(await merchant.mails(order_no)) >= count


async def _held(merchant: Merchant, known: Known, kind: str) -> object:
    page = await merchant.order(known)
    return page if page and any(h["type"] == kind for h in page["holds"]) else None


async def _release_all(merchant: Merchant, page: object) -> None:
    for hold in page["holds"]:  # type: ignore[index]
        await merchant.do(
            "order",
            f"/orders/{page['order_id']}/holds/{hold['hold_id']}/release",
            {"note": "checked"},
        )  # type: ignore[index]
