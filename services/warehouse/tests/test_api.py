"""The floor at work over HTTP: handhelds, the receiving desk, purchasing."""

from __future__ import annotations

from typing import Any

import httpx
from builders import (
    F1,
    F2,
    NOW,
    ORDER,
    SKU,
    after,
    backorder,
    part,
    released,
    stop_requested,
)
from running import Running

from oms_contracts.channel import Address, ServiceLevel

EXPRESS = ServiceLevel.EXPRESS
ADDRESS = Address(
    name="Ada <script>alert(1)</script>", line1="Main St 1", city="Ghent", postal_code="9000",
    country="BE",
)  # fmt: skip


async def send(
    running: Running, path: str, body: dict[str, Any] | None = None, scan: str = ""
) -> dict[str, Any]:
    """A request that is obeyed."""
    answer = await post(running, path, body, scan)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def post(
    running: Running, path: str, body: dict[str, Any] | None = None, scan: str = ""
) -> httpx.Response:
    headers = {"Idempotency-Key": scan} if scan else {}
    return await running.http.post(path, json=body, headers=headers)


async def get(running: Running, path: str, **query: Any) -> Any:
    answer = await running.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(answer: httpx.Response) -> str:
    """The code of a refusal that tells a person what to do."""
    assert answer.status_code == 409, answer.text
    problem = answer.json()
    assert problem["detail"]
    return str(problem["code"])


async def hear_release(running: Running, *parts: Any, **more: Any) -> None:
    sealed = running.ring.seal(ADDRESS.model_dump_json().encode(), b"test")
    await running.hear(released(*parts, address=sealed, **more))


async def test_an_order_is_picked_packed_and_its_papers_printed(running: Running) -> None:
    await hear_release(running, flags=("VIP",))
    await send(running, "/receipts", {
        "location": "main", "sku": "TEA-1", "qty": 9, "cause_id": "R-1", "bin": "A-01",
    })  # fmt: skip
    work = await get(running, f"/fulfilments/{F1}")
    assert work["instruction"] == "Start this pick list."
    assert [(line["sku"], line["bin"]) for line in work["lines"]] == [
        ("TEA-1", "A-01"),
        ("MUG-1", ""),
    ]
    await send(running, f"/fulfilments/{F1}/start", {})
    work = await get(running, f"/fulfilments/{F1}")
    assert work["instruction"] == "Take 1 of TEA-1 from bin A-01."
    await send(running, f"/fulfilments/{F1}/pick", {"sku": "TEA-1"}, scan="s1")
    answer = await send(running, f"/fulfilments/{F1}/pick", {"sku": "MUG-1", "qty": 2}, scan="s2")
    assert (answer["status"], answer["next_step"], answer["units_left"]) == ("picked", "pack", 3)
    await send(running, f"/fulfilments/{F1}/pack", {"sku": "TEA-1"}, scan="s3")
    two = {"sku": "MUG-1", "qty": 2, "parcel_no": 2}
    await send(running, f"/fulfilments/{F1}/pack", two, scan="s4")
    weights = {"parcels": [{"parcel_no": n, "weight_grams": 500 * n} for n in (1, 2)]}
    answer = await send(running, f"/fulfilments/{F1}/close-packing", weights)
    assert (answer["status"], answer["units_left"]) == ("packed", 0)
    facts = await running.facts()
    assert [name for name, _, _ in facts] == ["StockReceived", "FulfilmentPacked"]
    assert [p["parcel_id"] for p in facts[1][2]["parcels"]] == [f"{F1}-P1", f"{F1}-P2"]
    slip = await running.http.get(f"/fulfilments/{F1}/packing-slip")
    assert slip.headers["content-type"] == "text/html; charset=utf-8"
    assert "Ada &lt;script&gt;" in slip.text
    assert "<script" not in slip.text
    assert ORDER in slip.text
    page = await running.http.get(f"/fulfilments/{F1}/pick-list")
    assert "VIP" in page.text


async def test_the_queue_shows_what_must_leave_first(running: Running) -> None:
    await running.hear(
        ("o1", released(part("F-late"), ship_by=after(hours=9))),
        ("o2", released(part("F-slow"), ship_by=after(hours=3))),
        ("o3", released(part("F-fast"), ship_by=after(hours=3), service_level=EXPRESS)),
        ("o4", released(part("F-away", "store-3"), ship_by=after(hours=1))),
    )
    await send(running, "/fulfilments/F-slow/start", {})

    async def ids(**query: Any) -> list[str]:
        return [item["fulfilment_id"] for item in await get(running, "/fulfilments", **query)]

    assert await ids() == ["F-away", "F-fast", "F-slow", "F-late"]
    assert await ids(location="main") == ["F-fast", "F-slow", "F-late"]
    assert await ids(location="main", status="picking") == ["F-slow"]
    assert await ids(location="main", limit=2) == ["F-fast", "F-slow"]
    assert await ids(location="main", limit=2, after="F-slow") == ["F-late"]
    assert await ids(overdue=True) == []


async def test_finished_work_leaves_the_queue(running: Running) -> None:
    await hear_release(running)
    await running.hear(stop_requested())
    assert await get(running, "/fulfilments") == []
    assert (await get(running, f"/fulfilments/{F1}"))["status"] == "stopped"


async def test_a_handheld_that_sends_its_scan_again_gets_the_same_answer(running: Running) -> None:
    await hear_release(running)
    await send(running, f"/fulfilments/{F1}/start", {})
    first = await send(running, f"/fulfilments/{F1}/pick", {"sku": "MUG-1"}, scan="s1")
    await send(running, f"/fulfilments/{F1}/pick", {"sku": "MUG-1"}, scan="s2")
    assert await send(running, f"/fulfilments/{F1}/pick", {"sku": "MUG-1"}, scan="s1") == first
    scans = await get(running, f"/fulfilments/{F1}/scans")
    assert [(scan["scan_id"], scan["person"]) for scan in scans] == [("s1", "ann"), ("s2", "ann")]


async def test_a_scan_without_an_id_is_not_taken(running: Running) -> None:
    await hear_release(running)
    answer = await post(running, f"/fulfilments/{F1}/pick", {"sku": "MUG-1"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].endswith("Idempotency-Key")


async def test_a_wrong_item_is_refused_in_words_and_counted(running: Running) -> None:
    await hear_release(running)
    await send(running, f"/fulfilments/{F1}/start", {})
    answer = await post(running, f"/fulfilments/{F1}/pick", {"sku": "CUP-1"}, scan="s1")
    assert await refused(answer) == "wrong_item"
    counted = await get(running, "/misscans", since="2026-01-01T00:00:00+01:00")
    assert counted == [{"person": "ann", "sku": "CUP-1", "code": "wrong_item", "count": 1}]
    assert await get(running, "/misscans", since="2999-01-01T00:00:00Z") == []


async def test_a_packing_slip_waits_for_closed_parcels(running: Running) -> None:
    await hear_release(running)
    answer = await running.http.get(f"/fulfilments/{F1}/packing-slip")
    assert await refused(answer) == "not_packed"


async def test_units_are_put_back_when_the_order_is_stopped(running: Running) -> None:
    await hear_release(running)
    await send(running, f"/fulfilments/{F1}/start", {})
    await send(running, f"/fulfilments/{F1}/pick", {"sku": "MUG-1", "qty": 2}, scan="s1")
    short = {"line_id": "2", "qty": 1, "reason": "not_found"}
    await send(running, f"/fulfilments/{F1}/short", short, scan="s2")
    await running.hear(stop_requested(reason="wrong size"))
    (task,) = await get(running, "/put-backs", location="main")
    assert (task["fulfilment_id"], task["stop_reason"]) == (F1, "wrong size")
    work = await get(running, f"/fulfilments/{F1}")
    assert work["instruction"] == "Put 2 of MUG-1 back into its bin."
    await send(running, f"/put-backs/{F1}/scan", {"sku": "MUG-1"}, scan="s3")
    answer = await post(running, f"/put-backs/{F1}/refuse", {"reason": "too late"})
    assert await refused(answer) == "put_back_begun"
    assert (await send(running, f"/put-backs/{F1}/confirm"))["status"] == "stopped"
    (stop,) = (await get(running, f"/fulfilments/{F1}"))["stops"]
    assert (stop["answer"], stop["answered_by"]) == ("stopped", "ann")
    assert await get(running, "/put-backs") == []


async def test_a_put_back_may_be_refused(running: Running) -> None:
    await hear_release(running)
    await send(running, f"/fulfilments/{F1}/start", {})
    await send(running, f"/fulfilments/{F1}/pick", {"sku": "MUG-1"}, scan="s1")
    await running.hear(stop_requested())
    answer = await send(running, f"/put-backs/{F1}/refuse", {"reason": "made to measure"})
    assert answer["status"] == "picking"
    assert (await running.facts())[-1][2]["reason"] == "made to measure"


async def test_a_delivery_of_many_lines_is_taken_line_by_line(running: Running) -> None:
    def line(sku: str, qty: int, **more: Any) -> dict[str, Any]:
        return {"location": "main", "sku": sku, "qty": qty, "cause_id": "D-7"} | more

    delivery = {"lines": [line("MUG-1", 5), line("TEA-1", 3, po_line="PO-0-1"), line("A/B", 1)]}
    answer = await running.http.post("/receipts/batch", json=delivery)
    assert [(r["sku"], r["ok"], r["code"]) for r in answer.json()] == [
        ("MUG-1", True, ""),
        ("TEA-1", False, "po_line_not_open"),
        ("A/B", True, ""),
    ]
    again = await running.http.post("/receipts/batch", json=delivery)
    assert again.json() == answer.json()
    assert len(await running.facts()) == 2
    assert (await get(running, "/goods/A/B"))["entries"][0]["cause_id"] == "D-7"


async def test_one_receipt_stands_in_a_batch_once(running: Running) -> None:
    line = {"location": "main", "sku": "MUG-1", "qty": 5, "cause_id": "D-7"}
    answer = await running.http.post("/receipts/batch", json={"lines": [line, line]})
    assert answer.status_code == 422
    too_many = {"lines": [line | {"cause_id": f"D-{n}"} for n in range(501)]}
    assert (await running.http.post("/receipts/batch", json=too_many)).status_code == 422


async def test_counts_and_damage_are_entered_once(running: Running) -> None:
    count = {"location": "main", "sku": SKU, "counted_qty": 0, "cause_id": "C-1"}
    assert await send(running, "/counts", count) == await send(running, "/counts", count)
    damage = {"location": "main", "sku": SKU, "qty": 1, "cause_id": "X-1", "reason": "dropped"}
    await send(running, "/damages", damage)
    answer = await post(running, "/damages", damage | {"qty": 2})
    assert await refused(answer) == "cause_id_used"
    assert [name for name, _, _ in await running.facts()] == ["StockCounted", "StockDamaged"]
    seen = await get(running, f"/goods/{SKU}")
    assert {entry["kind"] for entry in seen["entries"]} == {"counted", "damaged"}


async def test_a_purchase_order_is_confirmed_and_received(running: Running) -> None:
    await running.hear((SKU, backorder(3)), ("TEA-1", backorder(1, "store-3", "TEA-1")))
    assert len(await get(running, "/purchase-orders")) == 2
    (line,) = await get(running, "/purchase-orders", location="main")
    assert (line["sku"], line["ordered_qty"], line["supplier"]) == (SKU, 12, "Pottery")
    po_line = line["po_line"]
    eta = after(days=5).isoformat()
    await send(running, f"/purchase-orders/{po_line}/confirm", {"qty": 12, "eta": eta})
    assert (await get(running, f"/purchase-orders/{po_line}"))["status"] == "confirmed"
    receipt = {"location": "main", "sku": SKU, "qty": 12, "cause_id": "R-1", "po_line": po_line}
    await send(running, "/receipts", receipt)
    assert await get(running, "/purchase-orders", location="main") == []
    assert (await get(running, f"/purchase-orders/{po_line}"))["status"] == "received"
    answer = await post(running, f"/purchase-orders/{po_line}/confirm", {"qty": 12, "eta": eta})
    assert await refused(answer) == "po_line_not_open"


async def test_what_nobody_knows_is_not_found(running: Running) -> None:
    for path in (f"/fulfilments/{F2}", f"/fulfilments/{F2}/pick-list", "/goods/NOPE",
                 "/purchase-orders/PO-0-1", f"/fulfilments/{F2}/packing-slip"):  # fmt: skip
        assert (await running.http.get(path)).status_code == 404, path
    assert (await post(running, f"/fulfilments/{F2}/start", {})).status_code == 404
    confirmation = {"qty": 1, "eta": NOW.isoformat()}
    answer = await post(running, "/purchase-orders/PO-0-1/confirm", confirmation)
    assert answer.status_code == 404


async def test_every_fault_of_a_request_is_named_at_once(running: Running) -> None:
    bad = {"location": "no spaces", "sku": "", "qty": 0, "cause_id": "a\u0000b", "colour": "red"}
    answer = await post(running, "/receipts", bad)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {
        "location", "sku", "qty", "cause_id", "colour",
    }  # fmt: skip
    assert (await running.http.get("/fulfilments/%00")).status_code == 400


async def test_nobody_gets_in_without_the_scope(running: Running) -> None:
    paths = service_paths(running)
    assert len(paths) > 20
    for method, path in paths:
        answer = await running.stranger.request(method, path)
        assert answer.status_code == 403, (method, path)


def service_paths(running: Running) -> list[tuple[str, str]]:
    app = running.app
    return [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    ]
