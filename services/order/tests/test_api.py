"""The order service's HTTP door on a real database."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from running import Running
from story import EXTERNAL_ID, ORDER_ID, placed

from oms_contracts import wire
from oms_contracts.channel import Payment, PaymentMethod
from oms_contracts.event import Alloc
from oms_contracts.inventory import Backordered, StockReserved
from oms_order.domain import Order, order_no

NUMBER = order_no(ORDER_ID)
UNITS = [
    Alloc(line_id="1", sku="SKU-1", location="WEST", qty=2),
    Alloc(line_id="2", sku="SKU-2", location="WEST", qty=1),
]


async def post(
    running: Running, who: str = "shop", key: str = "", **changes: Any
) -> httpx.Response:
    """Place an order over HTTP."""
    headers = {"Idempotency-Key": key} if key else {}
    body = wire.encode(placed(**changes))
    return await running.clients[who].post("/orders", content=body, headers=headers)


async def reserve(running: Running, *alloc: Alloc, **more: Any) -> None:
    """Inventory answers the order's question."""
    order = await running.order()
    assert isinstance(order, Order) and order.stock.reserving is not None
    request_id = order.stock.reserving.request.request_id
    await running.hear(StockReserved(request_id=request_id, alloc=alloc, **more))


async def test_an_order_placed_over_http_is_answered_at_once(running: Running) -> None:
    answer = await post(running)
    assert answer.status_code == 201, answer.text
    assert answer.json() == {
        "order_id": ORDER_ID,
        "order_no": NUMBER,
        "status": "accepted",
        "outcome": "accepted",
    }


async def test_the_same_order_by_another_door_is_the_same_order(running: Running) -> None:
    await running.receive(placed())
    answer = await post(running)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "again")
    assert len(await running.rows("SELECT 1 FROM orders")) == 1


async def test_an_order_sent_twice_at_once_is_one_order(running: Running) -> None:
    answers = await asyncio.gather(*(post(running, key="k-1") for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [200, 200, 200, 201]
    assert len(await running.rows("SELECT 1 FROM orders")) == 1


async def test_other_content_under_a_known_number_waits_for_a_person(running: Running) -> None:
    await post(running)
    answer = await post(running, note="ring thrice")
    assert (answer.status_code, answer.json()["outcome"]) == (202, "amendment")


async def test_an_idempotency_key_stands_for_one_order(running: Running) -> None:
    first = await post(running, key="k-1")
    same = await post(running, key="k-1")
    other = await post(running, key="k-1", external_id="S-1002")
    changed = await post(running, key="k-1", note="ring thrice")
    assert [a.status_code for a in (first, same, other, changed)] == [201, 200, 422, 422]
    assert other.json()["code"] == "idempotency_key_reused"


async def test_of_two_orders_racing_for_an_idempotency_key_one_is_refused(
    running: Running,
) -> None:
    answers = await asyncio.gather(
        post(running, key="k-1"), post(running, key="k-1", external_id="S-1002")
    )
    assert sorted(a.status_code for a in answers) == [201, 422]
    assert len(await running.rows("SELECT 1 FROM orders")) == 1
    assert await running.rows("SELECT 1 FROM parked") == []


async def test_everything_wrong_with_an_order_is_told_at_once(running: Running) -> None:
    body = placed().model_dump(mode="json")
    body["currency"], body["lines"][0]["qty"] = "euro", 0
    del body["ship_to"]
    answer = await running.clients["shop"].post("/orders", json=body)
    assert answer.status_code == 422
    fields = {error["field"] for error in answer.json()["errors"]}
    assert {"currency", "lines.0.qty", "ship_to"} <= fields
    assert "Ada" not in answer.text


async def test_what_the_contract_cannot_know_is_told_the_same_way(running: Running) -> None:
    beans = Payment(method=PaymentMethod("beans"))
    answer = await post(running, payment=beans, currency="QQQ")
    errors = [(e["field"], e["code"]) for e in answer.json()["errors"]]
    assert errors == [("currency", "unknown_currency"), ("payment.method", "unknown_method")]
    assert await running.rows("SELECT 1 FROM orders") == []


async def test_only_a_channel_places_orders(running: Running) -> None:
    answer = await post(running, who="ann")
    assert (answer.status_code, answer.json()["code"]) == (403, "no_channel")


async def test_an_order_is_found_by_its_id_its_number_and_its_channels_name(
    running: Running,
) -> None:
    await post(running)
    ann = running.clients["ann"]
    for name in (ORDER_ID, NUMBER, NUMBER.lower().replace("-", ""), f"webshop/{EXTERNAL_ID}"):
        page = await ann.get(f"/orders/{name}")
        assert (page.status_code, page.json()["order_id"]) == (200, ORDER_ID), name
    for name in ("S-9", "0000-0000-0000", "webshop/S-9"):
        assert (await ann.get(f"/orders/{name}")).status_code == 404


async def test_the_page_says_where_everything_is_and_what_happens_next(running: Running) -> None:
    await post(running)
    await reserve(running, *UNITS)
    page = (await running.clients["ann"].get(f"/orders/{ORDER_ID}")).json()
    assert page["status"] == "awaiting_payment"
    assert page["lines"][0]["buckets"]["reserved"] == 2
    assert page["lines"][0]["reserved_at"] == {"WEST": 2}
    assert page["money"]["asked_minor"] == 3_000
    (waiting,) = page["waiting"]
    assert (waiting["owner"], waiting["then"]) == ("billing", "billing is asked again")
    assert waiting["since"] < waiting["until"]
    told = [(entry["type"], entry["actor"]) for entry in page["history"]]
    assert told == [("Submission", "shop"), ("oms.inventory.StockReserved.v1", "")]


async def test_personal_data_is_only_for_those_who_may_see_it(running: Running) -> None:
    await post(running)
    seen = (await running.clients["ann"].get(f"/orders/{ORDER_ID}")).json()
    assert seen["personal"]["contact"]["name"] == "Ada Example"
    assert seen["personal"]["note"] == "ring twice"
    for path in (f"/orders/{ORDER_ID}", f"/orders/{ORDER_ID}.html"):
        hidden = await running.clients["ben"].get(path)
        assert hidden.status_code == 200
        assert "Ada" not in hidden.text and "ring twice" not in hidden.text


async def test_the_page_can_be_read_in_a_browser_and_obeys_nobody(running: Running) -> None:
    await post(running)
    page = await running.clients["ann"].get(f"/orders/{ORDER_ID}.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "Ada &lt;b&gt;" in page.text and "<b>" not in page.text
    assert NUMBER in page.text and "script" not in page.headers["content-security-policy"]


async def test_a_channel_sees_its_own_orders_and_no_other(running: Running) -> None:
    await post(running)
    rival, shop = running.clients["rival"], running.clients["shop"]
    assert (await shop.get(f"/orders/{ORDER_ID}")).status_code == 200
    assert (await rival.get(f"/orders/{ORDER_ID}")).status_code == 404
    assert (await rival.post(f"/orders/{ORDER_ID}/cancel", json={})).status_code == 404
    assert [len((await c.get("/orders")).json()["orders"]) for c in (shop, rival)] == [1, 0]


async def test_a_rejected_number_shows_why(running: Running) -> None:
    await running.receive(placed(payment=Payment(method=PaymentMethod("beans"))))
    page = (await running.clients["ann"].get(f"/orders/webshop/{EXTERNAL_ID}")).json()
    assert page["status"] == "rejected"
    assert page["reasons"][0]["code"] == "unknown_method"
    html = await running.clients["ann"].get(f"/orders/{ORDER_ID}.html")
    assert "Orders are paid by token" in html.text
    refused = await running.clients["ann"].post(f"/orders/{ORDER_ID}/cancel", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_such_order")


async def test_a_hold_is_placed_listed_and_released_with_a_better_address(
    running: Running,
) -> None:
    await post(running)
    ann = running.clients["ann"]
    held = (await ann.post(f"/orders/{NUMBER}/holds", json={"gate": "pay", "reason": "odd"})).json()
    (entry,) = (await ann.get("/queue")).json()
    assert (entry["order_id"], entry["owner"]) == (ORDER_ID, "customer_service")
    assert [w["what"] for w in entry["waiting"]] == ["hold"]
    address = placed().ship_to.model_dump() | {"city": "Berlin"}
    released = await ann.post(
        f"/orders/{ORDER_ID}/holds/{held['hold_id']}/release",
        json={"note": "called", "ship_to": address},
    )
    assert released.status_code == 200, released.text
    page = (await ann.get(f"/orders/{ORDER_ID}")).json()
    assert page["holds"] == [] and page["personal"]["ship_to"]["city"] == "Berlin"
    texts = [entry["text"] for entry in page["history"] if entry["type"] == "ReleaseHold"]
    assert texts == [f"hold_id={held['hold_id']} note=called ship_country=DE"]
    assert (await ann.get("/queue")).json() == []


async def test_costs_are_approved_by_those_who_may(running: Running) -> None:
    await post(running, currency="NOK")
    answer = await running.clients["shop"].post(f"/orders/{ORDER_ID}/costs/approve", json={})
    assert answer.status_code == 403
    ann = running.clients["ann"]
    (entry,) = (await ann.get("/queue", params={"owner": "approver"})).json()
    assert entry["order_no"] == NUMBER
    approved = await ann.post(f"/orders/{ORDER_ID}/costs/approve", json={"note": "fine"})
    assert approved.status_code == 200
    page = (await ann.get(f"/orders/{ORDER_ID}")).json()
    assert page["approval"]["state"] == "approved" and page["approval"]["actor"] == "ann"
    assert page["approval"]["total_limit_minor"] == "none"
    again = await ann.post(f"/orders/{ORDER_ID}/costs/reject", json={"note": "no"})
    assert (again.status_code, again.json()["code"]) == (409, "not_pending")


async def test_the_customer_need_not_wait_for_goods(running: Running) -> None:
    await post(running)
    late = Backordered(line_id="2", sku="SKU-2", location="WEST", qty=1)
    await reserve(running, UNITS[0], backordered=(late,))
    answer = await running.clients["ann"].post(
        f"/orders/{ORDER_ID}/backorder-answer", json={"choice": "cancel"}
    )
    assert answer.json()["status"] == "cancelling"
    (undo,) = await running.said("ReservationReleaseRequested")
    assert undo["backordered"] == [{"line_id": "2", "sku": "SKU-2", "qty": 1}]


async def test_units_are_cancelled_by_line(running: Running) -> None:
    await post(running)
    shop = running.clients["shop"]
    odd = await shop.post(
        f"/orders/{ORDER_ID}/cancel", json={"lines": [{"line_id": "9", "qty": 1}]}
    )
    assert (odd.status_code, odd.json()["code"]) == (409, "unknown_line")
    one = {"lines": [{"line_id": "1", "qty": 1}], "reason": "one is enough"}
    assert (await shop.post(f"/orders/{ORDER_ID}/cancel", json=one)).status_code == 200
    order = await running.order()
    assert isinstance(order, Order) and [x.unwanted for x in order.lines] == [1, 0]


async def test_a_command_sent_twice_under_one_idempotency_key_is_carried_out_once(
    running: Running,
) -> None:
    await post(running)
    one = {"lines": [{"line_id": "1", "qty": 1}]}
    path, headers = f"/orders/{ORDER_ID}/cancel", {"Idempotency-Key": "c-1"}
    shop = running.clients["shop"]
    answers = [await shop.post(path, json=one, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]
    order = await running.order()
    assert isinstance(order, Order) and [x.unwanted for x in order.lines] == [1, 0]


async def test_the_door_describes_itself(running: Running) -> None:
    described = (await running.clients["ann"].get("/openapi.json")).json()
    body = described["paths"]["/orders"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert {"external_id", "lines", "totals"} <= schema["properties"].keys()
    assert schema["$id"] == "urn:oms:oms.channel.OrderPlaced.v1"


async def test_lists_show_the_newest_first_page_by_page(running: Running) -> None:
    for n in range(5):
        assert (await post(running, external_id=f"S-{n}")).status_code == 201
    ann = running.clients["ann"]
    seen: list[str] = []
    after = ""
    for _ in range(3):
        page = (await ann.get("/orders", params={"limit": 2, "after": after})).json()
        seen += [order["external_id"] for order in page["orders"]]
        after = page["next"]
    assert sorted(seen) == [f"S-{n}" for n in range(5)] and after == ""
    for status, count in (("accepted", 5), ("completed", 0)):
        listed = (await ann.get("/orders", params={"status": status})).json()["orders"]
        assert len(listed) == count
    waiting = (await ann.get("/orders", params={"waiting_for": "billing"})).json()["orders"]
    assert waiting == []
    odd = await ann.get("/orders", params={"after": f"yesterday|{ORDER_ID}"})
    assert odd.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/orders", {}),
        ("GET", "/orders", None),
        ("GET", "/queue", None),
        ("GET", f"/orders/{ORDER_ID}", None),
        ("GET", f"/orders/{ORDER_ID}.html", None),
        ("GET", f"/orders/webshop/{EXTERNAL_ID}", None),
        ("POST", f"/orders/{ORDER_ID}/cancel", {}),
        ("POST", f"/orders/{ORDER_ID}/holds", {"gate": "pay", "reason": "x"}),
        ("POST", f"/orders/{ORDER_ID}/holds/h/release", {}),
        ("POST", f"/orders/{ORDER_ID}/tasks/t/resolve", {}),
        ("POST", f"/orders/{ORDER_ID}/costs/approve", {}),
        ("POST", f"/orders/{ORDER_ID}/costs/reject", {}),
        ("POST", f"/orders/{ORDER_ID}/backorder-answer", {"choice": "wait"}),
    ],
)
async def test_no_door_opens_without_its_scope(
    running: Running, method: str, path: str, body: dict[str, str] | None
) -> None:
    assert (await running.clients["eve"].request(method, path, json=body)).status_code == 403


async def test_what_is_not_there_is_refused_with_a_sentence(running: Running) -> None:
    await post(running)
    ann = running.clients["ann"]
    hold = await ann.post(f"/orders/{ORDER_ID}/holds/none/release", json={})
    task = await ann.post(f"/orders/{ORDER_ID}/tasks/none/resolve", json={})
    goods = await ann.post(f"/orders/{ORDER_ID}/backorder-answer", json={"choice": "wait"})
    codes = [answer.json()["code"] for answer in (hold, task, goods)]
    assert codes == ["no_such_hold", "no_such_task", "nothing_waits"]
