"""An order as it was: rebuilt from its history, it is the order that is stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

from floor import Floor
from merchant import FLOOR, Merchant
from ordering import line, placed, unique, until

LISTED = 200


def _z(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def _at(merchant: Merchant, order_id: str, moment: datetime) -> Any:
    return await merchant.see("order", f"/orders/{order_id}?at={_z(moment)}")


async def test_an_order_cancelled_after_packing_is_shown_as_it_was_at_every_step(
    merchant: Merchant, floor: Floor
) -> None:
    sku = unique("PAST")
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
    await merchant.wish_to_cancel(known)
    await floor.puts_back(work["fulfilment_id"])
    page = await merchant.reaches(known, "cancelled")
    moments = [datetime.fromisoformat(entry["heard_at"]) for entry in page["history"]]
    pages = [await _at(merchant, page["order_id"], moment) for moment in moments]
    states = [was["status"] for was in pages]
    assert (states[0], states[-1]) == ("accepted", "cancelled")
    assert "in_fulfilment" in states
    assert await _at(merchant, page["order_id"], moments[0] - timedelta(milliseconds=1)) is None


async def test_every_order_so_far_is_what_its_history_makes_of_it(merchant: Merchant) -> None:
    sku = unique("NOW")
    await merchant.receive(sku, 1)
    known = await merchant.place(placed(line(sku)))
    await merchant.order(known)
    listed = await merchant.see("order", f"/orders?limit={LISTED}")
    for order in listed["orders"]:
        page = await _at(merchant, order["order_id"], datetime.now(UTC))
        assert page["rebuilt"]["agrees"], page["rebuilt"]["notes"]
        assert page["rebuilt"]["notes"] == []
