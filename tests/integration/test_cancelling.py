"""Orders that are no longer wanted, wherever their goods are."""

from typing import Any

from floor import Floor
from merchant import FLOOR, ON_ITS_WAY, Known, Merchant
from ordering import line, placed, unique, until

CUSTOMER = "ada@customers.example"


async def test_an_order_is_cancelled_before_its_release(merchant: Merchant) -> None:
    sku = unique("FERN")
    await merchant.receive(sku, 2)
    known = await merchant.place(placed(line(sku, 2), flags=("CHECK",)))
    await merchant.reaches(known, "authorised")
    await merchant.wish_to_cancel(known)
    page = await merchant.reaches(known, "cancelled")
    await _everything_is_back(merchant, page, sku, 2)
    assert [f["fulfilment_id"] for f in page["fulfilments"]] == []
    await merchant.is_told(known, "OrderConfirmed", "CancellationAnswered", "OrderClosed")
    [answer] = await merchant.answers(known, "CancellationAnswered")
    assert answer.data["accepted"] is True
    await merchant.is_mailed(page["order_no"], CUSTOMER, "We have your order", "Cancelled")


async def test_an_order_is_cancelled_while_somebody_picks_it(
    merchant: Merchant, floor: Floor
) -> None:
    sku = unique("MOSS")
    await merchant.receive(sku, 2, FLOOR)
    known = await merchant.place(placed(line(sku, 2)))
    work = await floor.worksheet(known)
    await floor.does(work["fulfilment_id"], "start", {})
    await floor.does(work["fulfilment_id"], "pick", {"sku": sku})
    await merchant.wish_to_cancel(known)
    page = await merchant.reaches(known, "cancelling")
    assert {w["owner"] for w in page["waiting"]} >= {"warehouse"}
    await floor.puts_back(work["fulfilment_id"])
    page = await merchant.reaches(known, "cancelled")
    await _everything_is_back(merchant, page, sku, 2, FLOOR)


async def test_an_order_is_cancelled_after_packing_and_put_back(
    merchant: Merchant, floor: Floor
) -> None:
    sku = unique("REED")
    await merchant.receive(sku, 2, FLOOR)
    known = await merchant.place(placed(line(sku, 2)))
    work = await floor.worksheet(known)
    page = await merchant.order(known)
    hold = {"gate": "ship", "reason": "the customer may change their mind"}
    await merchant.do("order", f"/orders/{page['order_id']}/holds", hold)
    await floor.picks(work)
    await floor.packs(work)
    await until(lambda: _stand(merchant, known, "packed"))
    await merchant.do("order", f"/orders/{page['order_id']}/cancel", {"reason": "they did"})
    await floor.puts_back(work["fulfilment_id"])
    page = await merchant.reaches(known, "cancelled")
    await _everything_is_back(merchant, page, sku, 2, FLOOR)


async def test_of_two_parts_the_one_that_is_still_here_is_cancelled(
    merchant: Merchant, floor: Floor
) -> None:
    gone, here = unique("OAK"), unique("ELM")
    await merchant.receive(gone, 1)
    await merchant.receive(here, 1, FLOOR)
    known = await merchant.place(placed(line(gone), line(here)))
    await merchant.reaches(known, "part_shipped")
    await floor.worksheet(known)
    await merchant.wish_to_cancel(known)
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert [x["buckets"]["shipped"] for x in page["lines"]] == [1, 0]
    assert [x["buckets"]["cancelled"] for x in page["lines"]] == [0, 1]
    await merchant.holds(here, 1, location=FLOOR)
    await merchant.has_paid(page, 1_200 + 490)

    async def voided() -> bool:
        return (await merchant.payment(page))["voided_minor"] == 1_200

    await until(voided)

    async def answered() -> bool:
        told = [a.data for a in await merchant.answers(known, "CancellationAnswered")]
        lines = {(a["accepted"], a["lines"][0]["sku"]) for a in told}
        return lines == {(False, gone), (True, here)}

    await until(answered)


async def test_what_was_handed_over_cannot_be_cancelled_and_the_customer_hears_what_to_do(
    merchant: Merchant,
) -> None:
    sku = unique("IVY")
    await merchant.receive(sku, 1)
    known = await merchant.place(placed(line(sku)))
    page = await merchant.reaches(known, *ON_ITS_WAY)
    refused = await merchant.client("order").post(f"/orders/{page['order_id']}/cancel", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "shipped")
    await merchant.wish_to_cancel(known)

    async def answered() -> Any:
        return next(iter(await merchant.answers(known, "CancellationAnswered")), None)

    answer = await until(answered)
    assert answer.data["accepted"] is False
    assert "Send it back" in answer.data["reason"]

    async def mailed() -> bool:
        mails = merchant.mails(page["order_no"], CUSTOMER)
        return any(
            "could not be cancelled" in m.subject and "Send it back" in m.text for m in mails
        )

    await until(mailed)
    await merchant.has_paid(page, 1_690)


async def test_one_unit_of_several_is_cancelled_and_the_others_come(merchant: Merchant) -> None:
    sku = unique("HOP")
    await merchant.receive(sku, 3)
    known = await merchant.place(placed(line(sku, 3), flags=("CHECK",)))
    page = await merchant.reaches(known, "authorised")
    [ordered] = page["lines"]
    wish = {"lines": [{"line_id": ordered["line_id"], "qty": 1}], "reason": "two are enough"}
    await merchant.do("order", f"/orders/{page['order_id']}/cancel", wish)
    await until(lambda: _cancelled(merchant, known, 1))
    await merchant.release(await merchant.order(known))
    page = await merchant.reaches(known, *ON_ITS_WAY)
    assert [x["buckets"]["shipped"] for x in page["lines"]] == [2]
    await merchant.holds(sku, 1)
    await merchant.has_paid(page, 2 * 1_200 + 490)


async def test_a_wish_about_an_order_that_nobody_placed_is_answered(merchant: Merchant) -> None:
    known = Known("web", unique("GHOST"))
    await merchant.wish_to_cancel(known)
    await merchant.is_told(known, "CancellationAnswered")
    [answer] = await merchant.answers(known)
    assert answer.data["accepted"] is False


async def _everything_is_back(
    merchant: Merchant, page: Any, sku: str, on_hand: int, location: str = "HUB"
) -> None:
    """Goods and money are where they were before the order."""
    await merchant.holds(sku, on_hand, location=location)
    payment = await merchant.payment(page)
    assert payment["status"] == "voided"
    assert payment["voided_minor"] == payment["authorised_minor"] > 0
    assert payment["captured_minor"] == 0


async def _stand(merchant: Merchant, known: Known, *states: str) -> bool:
    return [f["state"] for f in (await merchant.order(known))["fulfilments"]] == list(states)


async def _cancelled(merchant: Merchant, known: Known, units: int) -> bool:
    page = await merchant.order(known)
    return (
        page["cancel"] is not None
        and sum(x["buckets"]["cancelled"] for x in page["lines"]) == units
    )
