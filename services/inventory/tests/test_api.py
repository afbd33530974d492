"""Inventory's HTTP door on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest
from builders import SKU, accepted, alloc, line, ordered, received, shipped
from database import Database
from prometheus_client import CollectorRegistry

from oms_chassis.http import Door, application
from oms_chassis.keys import new_key
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_inventory.api import routes


async def no_commands(*_: object) -> dict[str, object]:
    """Inventory takes none."""
    raise AssertionError("inventory has no command")


@pytest.fixture
async def door(dsn: str, tmp_path: Path) -> AsyncIterator[Door]:
    settings = Settings(
        service="inventory", kafka_bootstrap="-", database_dsn=dsn,
        api_keys_file=tmp_path / "keys.json",
    )  # fmt: skip
    made = Door(settings, KeyRing.create(tmp_path / "ring.json"), no_commands)
    yield made
    await made.close()


@pytest.fixture
async def http(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with client(door, "stock:read") as made:
        yield made


def client(door: Door, *scopes: str) -> httpx.AsyncClient:
    key, known = new_key("ada", scopes)
    door.settings.api_keys_file.write_bytes(msgspec.json.encode([known]))
    app = application("inventory", door, routes(door), {}, CollectorRegistry())
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://inventory",
        headers={"Authorization": f"Bearer {key}"},
    )


@pytest.fixture
async def database(db: asyncpg.Connection) -> Database:
    return Database(db)


async def test_a_sku_shows_its_shelves_who_waits_and_what_is_on_order(
    database: Database, http: httpx.AsyncClient
) -> None:
    await database.hear(received(3, "KIT/1"), received(1, "KIT/1", "b"))
    await database.hear(accepted("o1", line(6, "KIT/1")), ordered(9, 3, sku="KIT/1"))
    told = (await http.get("/stock/KIT/1")).json()
    assert told["locations"] == [
        {"location": "b", "on_hand": 1, "reserved": 1, "available": 0},
        {"location": "main", "on_hand": 3, "reserved": 3, "available": 0},
    ]
    assert told["backordered"] == 2
    assert [(w["location"], w["country"], w["units"]) for w in told["waiting"]] == [("b", "DE", 2)]
    assert [(p["po_line"], p["qty"], p["received_qty"]) for p in told["purchases"]] == [
        ("po-1/1", 9, 0)
    ]


async def test_stock_is_read_shelf_by_shelf(database: Database, http: httpx.AsyncClient) -> None:
    for sku in ("S-1", "S-2"):
        await database.hear(received(1, sku, "a"), received(2, sku, "b"), received(3, sku, "c"))
    seen: list[tuple[str, str]] = []
    params: dict[str, object] = {"limit": 4}
    for _ in range(2):
        page = (await http.get("/stock", params=params)).json()
        seen += [(shelf["sku"], shelf["location"]) for shelf in page]
        params |= {"after": seen[-1][0], "after_location": seen[-1][1]}
    assert seen == [(sku, location) for sku in ("S-1", "S-2") for location in "abc"]
    assert (await http.get("/stock", params=params)).json() == []


async def test_stock_of_the_skus_named(database: Database, http: httpx.AsyncClient) -> None:
    await database.hear(*(received(n + 1, f"S-{n}") for n in range(3)))
    page = (await http.get("/stock", params={"sku": ["S-0", "S-2", "S-9"]})).json()
    assert [(shelf["sku"], shelf["available"]) for shelf in page] == [("S-0", 1), ("S-2", 3)]


async def test_a_stock_book_is_read_backwards_page_by_page(
    database: Database, http: httpx.AsyncClient
) -> None:
    await database.hear(received(5))
    await database.hear(accepted("o1", line(2)))
    await database.hear(shipped("o1", alloc(2)))
    params: dict[str, object] = {"location": "main", "limit": 2}
    page = (await http.get(f"/stock/{SKU}/movements", params=params)).json()
    assert [(m["number"], m["kind"], m["on_hand_after"]) for m in page["movements"]] == [
        (3, "consume", 3),
        (2, "reserve", 5),
    ]
    params["before"] = page["next"]
    page = (await http.get(f"/stock/{SKU}/movements", params=params)).json()
    assert [(m["number"], m["kind"]) for m in page["movements"]] == [(1, "receipt")]
    assert page["next"] is None


async def test_who_waits_is_read_in_turn_page_by_page(
    database: Database, http: httpx.AsyncClient
) -> None:
    await database.hear(accepted("late", line(1), minute=2), accepted("early", line(2), minute=1))
    await database.hear(accepted("vip", line(1), priority=9, minute=3))
    await database.hear(accepted("other", line(1, "Z-9")))
    seen: list[tuple[str, int]] = []
    params: dict[str, object] = {"sku": SKU, "limit": 1}
    for _ in range(3):
        page = (await http.get("/backorders", params=params)).json()
        seen += [(b["order_id"], b["priority"]) for b in page["backorders"]]
        params["after"] = page["next"]
    assert seen == [("vip", 9), ("early", 0), ("late", 0)]
    assert (await http.get("/backorders", params=params)).json() == {"backorders": [], "next": None}
    assert len((await http.get("/backorders")).json()["backorders"]) == 4


async def test_an_order_sees_what_it_holds_and_waits_for(
    database: Database, http: httpx.AsyncClient
) -> None:
    await database.hear(received(2))
    await database.hear(accepted("o1", line(3)))
    told = (await http.get("/reservations/o1")).json()
    assert told["allocated"] == [{"line_id": "1", "sku": SKU, "location": "main", "qty": 2}]
    assert [(w["qty"], w["eta"]) for w in told["waiting"]] == [(1, None)]


@pytest.mark.parametrize("path", ["/stock/X-1", "/reservations/x"])
async def test_what_nobody_has_heard_of_is_not_found(
    db: asyncpg.Connection, http: httpx.AsyncClient, path: str
) -> None:
    answer = await http.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/stock?limit=0", "/stock?limit=501",
        "/stock/A-1/movements", "/stock/A-1/movements?location=main&before=0",
        "/backorders?after=x", "/backorders?after=[]",
        '/backorders?after=["A-1","\\u0000",0,"2025-01-01T00:00:00Z","o","1","r"]',
        '/backorders?after=["A-1","DE",0,"2025-01-01T00:00:00","o","1","r"]',
    ],
)  # fmt: skip
async def test_a_question_that_makes_no_sense_is_told_so(
    db: asyncpg.Connection, http: httpx.AsyncClient, path: str
) -> None:
    assert (await http.get(path)).status_code == 422


async def test_a_key_without_the_scope_sees_nothing(db: asyncpg.Connection, door: Door) -> None:
    async with client(door, "warehouse:pick") as stranger:
        for path in ("/stock", "/stock/A-1", "/stock/A-1/movements", "/backorders"):
            assert (await stranger.get(path)).status_code == 403
        assert (await stranger.get("/reservations/o1")).status_code == 403
