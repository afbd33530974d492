"""Shipping's HTTP door on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest
from builders import BY_HAND, ORDER_ID, SHIPMENT_ID, asked, labels
from database import Database
from prometheus_client import CollectorRegistry

from oms_chassis.http import Door, application
from oms_chassis.keys import new_key
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_contracts.channel import Address
from oms_shipping.api import routes

ADDRESS = Address(name="Ada <b>", line1="Main St 1", city="Bonn", postal_code="53111", country="DE")
SCAN = {"tracking_no": "T-P-1", "event_id": "e-1", "code": "ZU", "at": "2026-11-24T10:00:00Z"}


@pytest.fixture
async def door(db: asyncpg.Connection, dsn: str, tmp_path: Path) -> AsyncIterator[Door]:
    """The door of a service in which one labelled parcel waits for the driver."""
    ring = KeyRing.create(tmp_path / "ring.json")
    database = Database(db, BY_HAND)
    sealed = ring.seal(ADDRESS.model_dump_json().encode(), b"test")
    await database.tell(asked().model_copy(update={"address": sealed}))
    await database.answer(**labels())
    settings = Settings(
        service="shipping", kafka_bootstrap="-", database_dsn=dsn,
        api_keys_file=tmp_path / "keys.json",
    )  # fmt: skip
    made = Door(settings, ring, database.submit)
    yield made
    await made.close()


def client(door: Door, *scopes: str) -> httpx.AsyncClient:
    key, line = new_key("ada", scopes)
    assert door.settings.api_keys_file is not None
    door.settings.api_keys_file.write_bytes(msgspec.json.encode([line]))
    app = application("shipping", door, routes(door), {}, CollectorRegistry())
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://shipping",
        headers={"Authorization": f"Bearer {key}"},
    )


async def test_the_orders_page_shows_shipments_without_the_address(door: Door) -> None:
    async with client(door, "shipping:read") as http:
        answer = await http.get(f"/shipments/{ORDER_ID}")
    (shipment,) = answer.json()
    assert shipment["status"] == "labelled"
    assert shipment["parcels"][0]["tracking_no"] == "T-P-1"
    assert "Ada" not in answer.text and "address" not in answer.text


async def test_the_driver_takes_parcels_and_the_carrier_reports_them(door: Door) -> None:
    async with client(door, "shipping:read", "shipping:track", "shipping:handover") as http:
        given = await http.post(
            f"/shipments/{SHIPMENT_ID}/hand-over", json={"tracking_nos": ["T-P-1"]}
        )
        told = [await http.post("/tracking", json=SCAN) for _ in range(2)]
        parcel = (await http.get("/parcels/T-P-1")).json()
    assert given.status_code == 200 and given.json()["parcels"] == 1
    assert [(t.status_code, t.json()["status"]) for t in told] == [(200, "delivered")] * 2
    assert parcel["status"] == "delivered" and len(parcel["scans"]) == 1


async def test_a_hand_over_of_other_parcels_is_refused(door: Door) -> None:
    async with client(door, "shipping:handover") as http:
        answer = await http.post(
            f"/shipments/{SHIPMENT_ID}/hand-over", json={"tracking_nos": ["T-P-9"]}
        )
    assert answer.status_code == 409 and answer.json()["code"] == "parcels_differ"


async def test_what_went_wrong_on_the_way_is_listed(door: Door) -> None:
    async with client(door, "shipping:read", "shipping:track") as http:
        await http.post("/tracking", json=SCAN | {"code": "BS"})
        found = (await http.get("/exceptions")).json()
    assert [(e["order_id"], e["parcel_id"], e["what"]) for e in found] == [
        (ORDER_ID, "P-1", "the parcel is damaged")
    ]


async def test_labels_are_printed_for_whoever_hands_over(door: Door) -> None:
    async with client(door, "shipping:handover") as http:
        page = await http.get("/labels/P-1")
        code = await http.get("/labels/P-1", params={"format": "zpl"})
    assert "Ada &lt;b&gt;" in page.text and page.headers["content-type"].startswith("text/html")
    assert code.text.startswith("^XA") and "Ada <b>" in code.text


async def test_what_is_not_there_is_not_found(door: Door) -> None:
    async with client(door, "shipping:read", "shipping:track", "shipping:handover") as http:
        answers = [
            await http.get("/shipments/none"),
            await http.get("/parcels/none"),
            await http.get("/labels/none"),
            await http.post("/tracking", json=SCAN | {"tracking_no": "none"}),
            await http.post("/shipments/none/hand-over", json={"tracking_nos": ["T"]}),
        ]
    assert [a.status_code for a in answers] == [404] * 5


async def test_readers_can_neither_report_nor_hand_over_nor_print(door: Door) -> None:
    async with client(door, "shipping:read") as http:
        answers = [
            await http.post("/tracking", json=SCAN),
            await http.post(f"/shipments/{SHIPMENT_ID}/hand-over", json={"tracking_nos": ["T"]}),
            await http.get("/labels/P-1"),
        ]
    assert [a.status_code for a in answers] == [403] * 3


async def test_a_scan_names_every_fault_at_once(door: Door) -> None:
    async with client(door, "shipping:track") as http:
        answer = await http.post("/tracking", json={"tracking_no": "", "code": "\n"})
    fields = {error["field"] for error in answer.json()["errors"]}
    assert answer.status_code == 422 and fields == {"tracking_no", "event_id", "code", "at"}
