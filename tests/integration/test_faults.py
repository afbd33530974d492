"""What must not matter: repetition, one broken event, and the sudden death of any service."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from floor import Floor
from merchant import AUTO, FLOOR, ON_ITS_WAY, Known, Merchant
from ordering import line, placed, total_minor, unique, until
from topics import INTERNAL

from oms_contracts.channel import OrderPlaced
from oms_contracts.inventory import BackorderPromised
from oms_platform import SERVICES

CUSTOMER = "ada@customers.example"
OF_AN_ORDER = {
    "billing": "payments", "inventory": "reservations", "shipping": "shipments",
    "notify": "messages",
}  # fmt: skip
"""What services show of an order, beside its own page."""
TALK = ("history", "answers")
"""What a channel's repetition may add to: it is heard, and answered as before."""
IN_FLIGHT = 8
"""Orders placed before a service dies, and as many again while it is dead."""


async def test_topics_that_are_delivered_twice_and_replayed_wholly_change_nothing(
    merchant: Merchant, floor: Floor
) -> None:
    sku, scanned = unique("COIN"), unique("STAMP")
    await merchant.receive(sku, 9)
    await merchant.receive(scanned, 9, FLOOR)
    picked = await merchant.place(placed(line(scanned)))
    work = await floor.worksheet(picked)
    await _repeat(merchant, *INTERNAL)  # with an order in the middle of its life
    shipped = await merchant.place(placed(line(sku, 2)))
    cancelled = await merchant.place(placed(line(sku), token="tok_decline"))
    await floor.picks(work)
    await floor.packs(work)
    await merchant.reaches(cancelled, "cancelled")
    await merchant.reaches(picked, "completed")
    await merchant.reaches(shipped, "completed")
    await merchant.all_is_quiet()

    orders, skus = (picked, shipped, cancelled), (sku, scanned)
    before = await _all_about(merchant, orders, skus)
    await _repeat(merchant, *INTERNAL)
    await merchant.all_is_quiet()
    after = await _all_about(merchant, orders, skus)
    assert {what: after[what] for what in after if after[what] != before[what]} == {}

    await _repeat(merchant, "oms.channel.web.v1")  # a channel that repeats itself is answered again
    await merchant.all_is_quiet()
    after = await _all_about(merchant, orders, skus)
    changed = {what for what in after if after[what] != before[what]}
    assert changed == {f"{known.external_id} {what}" for known in orders for what in TALK}


async def _repeat(merchant: Merchant, *topics: str) -> None:
    """Everything that was ever said there, once more."""
    for topic in topics:
        await merchant.topics.repeat(await merchant.topics.records(topic))


async def _all_about(
    merchant: Merchant, orders: Sequence[Known], skus: Sequence[str]
) -> dict[str, Any]:
    """Everything that can be seen of orders and SKUs from outside."""
    seen: dict[str, Any] = {}
    for known in orders:
        page = await merchant.order(known)
        order_id, order_no = page["order_id"], page["order_no"]
        name = known.external_id
        seen[f"{name} history"] = page.pop("history")
        seen[f"{name} page"] = page
        for service, of in OF_AN_ORDER.items():
            seen[f"{name} {of}"] = await merchant.see(service, f"/{of}/{order_id}")
        for topic in INTERNAL:
            seen[f"{name} {topic}"] = list(await merchant.topics.events(topic, order_id))
        seen[f"{name} answers"] = [answer.value for answer in await merchant.answers(known)]
        seen[f"{name} mails"] = sorted(mail.subject for mail in merchant.mails(order_no))
    for service in SERVICES:
        seen[f"{service} parked"] = await merchant.see(service, "/parked")
    for sku in skus:
        seen[sku] = await merchant.see("inventory", f"/stock/{sku}")
        for location in (AUTO, FLOOR):
            path = f"/stock/{sku}/movements?location={location}"
            seen[f"{sku} {location}"] = await merchant.see("inventory", path)
    return seen


async def test_a_poisoned_event_parks_one_order_and_its_corrected_form_lets_it_finish(
    merchant: Merchant,
) -> None:
    sku, other = unique("WINE"), unique("BEER")
    await merchant.receive(other, 1)
    known = await merchant.place(placed(line(sku)))
    page = await merchant.reaches(known, "backordered")
    bought = await merchant.purchase(sku)
    [accepted] = await merchant.facts(page, "OrderAccepted")
    promise = {
        "request_id": accepted.data["request_id"], "lines": accepted.data["lines"],
        "eta": "soon", "po_line": bought["po_line"],
    }  # fmt: skip
    await merchant.say(accepted, BackorderPromised, promise)
    [poisoned] = await until(lambda: _parked(merchant, page, 1))
    assert "eta" in poisoned["reason"]

    await merchant.receive(sku, 1, po_line=bought["po_line"])
    await until(lambda: _parked(merchant, page, 2))
    refused = await merchant.client("order").post(f"/orders/{page['order_id']}/cancel", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "parked")
    unharmed = await merchant.place(placed(line(other)))
    await merchant.reaches(unharmed, *ON_ITS_WAY)
    assert (await merchant.order(known))["status"] == "backordered"

    corrected = {**promise, "eta": "2031-05-04T10:00:00Z"}
    await merchant.do("order", f"/parked/{poisoned['position']}/edit", corrected)
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert await _parked(merchant, page, 0) == []

    async def promised() -> bool:
        return any("4 May 2031" in mail.text for mail in merchant.mails(page["order_no"], CUSTOMER))

    await until(promised)


async def _parked(merchant: Merchant, page: Any, count: int) -> list[Any]:
    """What is parked of an order, if it is so much."""
    rows = await merchant.see("order", "/parked")
    found = [row for row in rows if row["key"] == page["order_id"]]
    return found if len(found) == count else []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_that_is_killed_in_mid_flow_loses_and_doubles_nothing(
    merchant: Merchant, service: str
) -> None:
    sku = unique("CORK")
    await merchant.receive(sku, 2 * IN_FLIGHT)
    orders = [placed(line(sku)) for _ in range(2 * IN_FLIGHT)]
    process = merchant.stack.services[service]

    before = await _place_all(merchant, orders[:IN_FLIGHT])
    await until(lambda: _has_begun(merchant, service, sku))
    process.kill()
    meanwhile = await _place_all(merchant, orders[IN_FLIGHT:])
    process.start()
    await merchant.stack.wait_ready(service)

    pages = [await merchant.reaches(known, *ON_ITS_WAY) for known in (*before, *meanwhile)]
    for page, order in zip(pages, orders, strict=True):
        await merchant.has_paid(page, total_minor(order))
        await until(lambda page=page: _all_mailed(merchant, page))
    await merchant.holds(sku, 0)
    for page in pages:
        told = Counter(fact.name for fact in await merchant.facts(page))
        assert told["OrderShipped"] == told["OrderInvoiced"] == 1
        mails = Counter(mail.subject for mail in merchant.mails(page["order_no"], CUSTOMER))
        assert set(mails.values()) == {1}
    assert _money_moved(merchant, pages) == {"authorise": len(orders), "capture": len(orders)}
    assert _labels_bought(merchant, pages) == len(orders)


async def _place_all(merchant: Merchant, orders: Sequence[OrderPlaced]) -> list[Known]:
    return await asyncio.gather(*map(merchant.place, orders))


async def _has_begun(merchant: Merchant, service: str, sku: str) -> bool:
    """Whether the service has done something for the first orders of a SKU."""
    accepted = [
        r for r in await merchant.topics.records("oms.order.v1")
        if r.name == "OrderAccepted" and r.data["lines"][0]["sku"] == sku
    ]  # fmt: skip
    if service == "notify":
        return any(merchant.mails(r.data["order_no"]) for r in accepted)
    keys = {r.key for r in accepted}
    return any(r.key in keys for r in await merchant.topics.records(f"oms.{service}.v1"))


async def _all_mailed(merchant: Merchant, page: Any) -> bool:
    mails = merchant.mails(page["order_no"], CUSTOMER)
    wanted = ("We have your order", "Receipt", "Your order")
    return all(any(mail.subject.startswith(words) for mail in mails) for words in wanted)


def _money_moved(merchant: Merchant, pages: Sequence[Any]) -> dict[str, int]:
    """How often the provider moved money for these orders, by its own log."""
    order_ids = {page["order_id"] for page in pages}
    calls = _log(merchant, "payments")
    return Counter(c["method"] for c in calls if c["order_id"] in order_ids and c["amount_minor"])


def _labels_bought(merchant: Merchant, pages: Sequence[Any]) -> int:
    """How many labels the carrier sold for these orders, by its own log."""
    parcels = {parcel["parcel_id"] for page in pages for parcel in page["parcels"]}
    bought = [call["labels"] for call in _log(merchant, "carrier") if call["outcome"] == "bought"]
    return sum(label["parcel_id"] in parcels for labels in bought for label in labels)


def _log(merchant: Merchant, name: str) -> list[dict[str, Any]]:
    texts = (merchant.stack.data_dir / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(text) for text in texts]
