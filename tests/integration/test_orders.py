"""Orders that go well, and orders that should never have been sent."""

import asyncio
import json
from typing import Any

from merchant import ON_ITS_WAY, Known, Merchant
from ordering import line, placed, total_minor, unique, until

from oms_contracts import wire
from oms_contracts.channel import OrderPlaced
from oms_platform import SERVICES


async def test_an_order_is_paid_packed_shipped_delivered_and_followed_up(
    merchant: Merchant,
) -> None:
    sku = unique("LAMP")
    await merchant.receive(sku, 5)
    order = placed(line(sku, 2))
    known = await merchant.place(order)
    page = await merchant.reaches(known, "completed")
    assert [x["buckets"]["shipped"] for x in page["lines"]] == [2]
    await merchant.holds(sku, 3)
    await merchant.has_paid(page, total_minor(order))
    await merchant.is_told(known, "OrderConfirmed", "OrderDispatched", "OrderClosed")
    await merchant.is_mailed(
        page["order_no"], "ada@customers.example",
        "We have your order", "Your order", "Receipt", "Is everything right",
    )  # fmt: skip


async def test_one_trace_follows_an_order_from_its_intake_to_its_mails(
    merchant: Merchant,
) -> None:
    sku = unique("BULB")
    await merchant.receive(sku, 1)
    known = await merchant.place(placed(line(sku)))
    page = await merchant.reaches(known, *ON_ITS_WAY)

    async def followed() -> list[Any]:
        """What nobody caused, once every service has told its part and no part hangs loose."""
        spans = _spans(merchant, page["order_id"])
        roots = [s for s in spans.values() if not s["parent_id"] and s["name"] != "Woke"]
        whole = all(s["parent_id"] in spans for s in spans.values() if s["parent_id"])
        return roots if whole and {s["service"] for s in spans.values()} == set(SERVICES) else []

    [root] = await until(followed)
    assert (root["service"], root["name"]) == ("order", OrderPlaced.TYPE)


def _spans(merchant: Merchant, order_id: str) -> dict[str, Any]:
    """What was done for an order, by span id: its trace has the order's own id."""
    trace_id = order_id.replace("-", "")
    files = (merchant.stack.data_dir / "traces").glob("*.jsonl")
    texts = (text for file in files for text in file.read_text().splitlines() if trace_id in text)
    spans = [span for span in map(json.loads, texts) if span["trace_id"] == trace_id]
    return {span["span_id"]: span for span in spans}


async def test_an_order_placed_twice_at_once_through_kafka_and_http_is_one_order(
    merchant: Merchant,
) -> None:
    sku = unique("MUG")
    await merchant.receive(sku, 10)
    order = placed(line(sku))
    known, posted, again, also_posted = await asyncio.gather(
        merchant.place(order), merchant.post_order(order),
        merchant.place(order), merchant.post_order(order),
    )  # fmt: skip
    assert posted.is_success and also_posted.is_success, posted.text
    assert posted.json()["order_id"] == also_posted.json()["order_id"]
    assert known == again
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert page["order_id"] == posted.json()["order_id"]
    assert len(await merchant.facts(page, "OrderAccepted")) == 1
    await merchant.holds(sku, 9)


async def test_an_order_sent_again_after_it_was_shipped_changes_nothing(
    merchant: Merchant,
) -> None:
    sku = unique("JUG")
    await merchant.receive(sku, 10)
    order = placed(line(sku))
    known = await merchant.place(order)
    await merchant.reaches(known, *ON_ITS_WAY)
    await merchant.place(order)
    posted = await merchant.post_order(order)
    assert posted.json()["status"] in ON_ITS_WAY, posted.text
    await merchant.holds(sku, 9)


async def test_another_order_under_a_known_number_is_looked_at_by_a_person(
    merchant: Merchant,
) -> None:
    sku = unique("VASE")
    order = placed(line(sku))
    known = await merchant.place(order)
    await merchant.reaches(known, "backordered")
    await merchant.place(placed(line(sku, 3), external_id=order.external_id))

    async def raised() -> bool:
        page = await merchant.order(known)
        return any(
            x.get("type", x.get("kind")) == "amendment" for x in page["holds"] + page["tasks"]
        )

    await until(raised)
    assert [x["qty"] for x in (await merchant.order(known))["lines"]] == [1]


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
    value = json.dumps(order).encode()
    await merchant.publish("web", order["external_id"], OrderPlaced.TYPE, value)
    known = Known("web", order["external_id"])
    await merchant.is_told(known, "OrderRejected")
    [told] = await merchant.answers(known)
    wanted = {"currency", "lines.0.qty", "ship_to"}
    assert {reason["field"] for reason in told.data["reasons"]} == wanted
    posted = await merchant.client("order", "web").post("/orders", content=value)
    assert posted.status_code == 422
    assert all(field in posted.text for field in wanted)


async def test_a_rejected_number_may_be_used_again(merchant: Merchant) -> None:
    sku = unique("KEY")
    await merchant.receive(sku, 1)
    order = placed(line(sku))
    wrong = json.loads(wire.encode(order)) | {"currency": "XXX"}
    value = json.dumps(wrong).encode()
    await merchant.publish("web", order.external_id, OrderPlaced.TYPE, value)
    known = Known("web", order.external_id)
    await merchant.reaches(known, "rejected")
    await merchant.place(order)
    await merchant.reaches(known, *ON_ITS_WAY)


async def test_an_order_larger_than_allowed_is_rejected_at_every_door(merchant: Merchant) -> None:
    number = unique("ORD")
    huge = json.dumps({"external_id": number, "note": "n" * 300_000}).encode()
    await merchant.publish("web", number, OrderPlaced.TYPE, huge)
    known = Known("web", number)
    await merchant.is_told(known, "OrderRejected")
    [told] = await merchant.answers(known)
    assert [reason["code"] for reason in told.data["reasons"]] == ["too_large"]
    door = merchant.client("order", "web")
    assert (await door.post("/orders", content=huge)).status_code == 422
    assert (await door.post("/orders", content=huge * 4)).status_code == 413


async def test_bytes_that_are_no_order_become_dead_letters_and_hold_up_nobody(
    merchant: Merchant,
) -> None:
    sku = unique("PEN")
    await merchant.receive(sku, 3)
    for garbage in (b"", b"\x00\xff not json", b"[" * 5_000, b'{"a":' + b"9" * 300_000 + b"}"):
        await merchant.publish("store", "", OrderPlaced.TYPE, garbage)
    await merchant.topics.write("oms.channel.store.v1", b"\xff\xfe", b"{}", [("odd", b"\xff")])
    known = await merchant.place(placed(line(sku)), channel="store")
    await merchant.reaches(known, *ON_ITS_WAY)

    async def buried() -> bool:
        letters = await merchant.see("order", "/dead-letters")
        return len([x for x in letters if x["topic"] == "oms.channel.store.v1"]) == 5

    await until(buried)


async def test_hostile_text_in_an_order_stays_text(merchant: Merchant) -> None:
    sku = unique("BOX")
    await merchant.receive(sku, 3)
    order = placed(line(sku))
    contact = order.contact.model_copy(update={"name": "=cmd()|' /C'!A0 <script>x</script>"})
    note = "'; DROP TABLE orders; --\n{{7*7}} ${jndi:ldap://x}"
    known = await merchant.place(order.model_copy(update={"contact": contact, "note": note}))
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert page["personal"]["contact"]["name"] == contact.name
    assert page["personal"]["note"] == note
    html = await merchant.client("order").get(f"/orders/{page['order_id']}.html")
    assert html.is_success and "<script" not in html.text and "&lt;script&gt;x" in html.text


async def test_totals_that_do_not_add_up_wait_for_a_person_before_payment(
    merchant: Merchant,
) -> None:
    sku = unique("TOY")
    await merchant.receive(sku, 3)
    order = placed(line(sku))
    wrong = order.totals.model_copy(update={"grand_total_minor": 1})
    known = await merchant.place(order.model_copy(update={"totals": wrong}))
    page = await merchant.is_held(known, "totals")
    await merchant.holds(sku, 3, reserved=1)
    assert await merchant.payment(page) is None
    await merchant.release(page)
    page = await merchant.reaches(known, *ON_ITS_WAY)
    await merchant.has_paid(page, total_minor(order))
