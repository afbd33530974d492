"""Notify's HTTP door on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest
from builders import ORDER_ID, SKU, accepted, delayed, shortage
from database import GOODS, Database
from prometheus_client import CollectorRegistry

from oms_chassis.http import Door, application
from oms_chassis.keys import new_key
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_contracts.channel import Contact
from oms_notify.api import routes


@pytest.fixture
async def door(db: asyncpg.Connection, dsn: str, tmp_path: Path) -> AsyncIterator[Door]:
    """The door of a service that confirmed one order in vain, and told of its delay."""
    ring = KeyRing.create(tmp_path / "ring.json")
    contact = Contact(name="Ada", email="ada@example.org")
    sealed = ring.seal(contact.model_dump_json().encode(), b"test")
    database = Database(db)
    await database.tell(accepted().model_copy(update={"contact": sealed}))
    await database.refused()
    await database.tell(delayed())
    await database.tell(shortage(), GOODS)
    settings = Settings(
        service="notify", kafka_bootstrap="-", database_dsn=dsn,
        api_keys_file=tmp_path / "keys.json",
    )  # fmt: skip
    made = Door(settings, ring, database.submit)
    yield made
    await made.close()


def client(door: Door, *scopes: str) -> httpx.AsyncClient:
    key, line = new_key("ada", scopes)
    assert door.settings.api_keys_file is not None
    door.settings.api_keys_file.write_bytes(msgspec.json.encode([line]))
    app = application("notify", door, routes(door), {}, CollectorRegistry())
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://notify",
        headers={"Authorization": f"Bearer {key}"},
    )


async def test_people_see_what_was_sent_to_which_role(door: Door) -> None:
    async with client(door, "notify:read") as http:
        answer = await http.get(f"/messages/{ORDER_ID}")
    seen = [(m["template"], m["role"], m["status"]) for m in answer.json()]
    assert seen == [
        ("order_confirmation", "customer", "failed"),
        ("delay", "customer", "sending"),
        ("delay_alert", "customer_service", "waiting"),
    ]
    assert "ada@example.org" not in answer.text


async def test_whom_a_message_went_to_is_shown_to_those_who_may_know(door: Door) -> None:
    async with client(door, "notify:read", "notify:personal") as http:
        seen = (await http.get(f"/messages/{ORDER_ID}")).json()
    assert [m["recipient"] for m in seen] == ["Ada <ada@example.org>"] * 2 + [""]


async def test_a_failed_message_can_be_sent_once_more(door: Door) -> None:
    async with client(door, "notify:read", "notify:write") as http:
        failed = (await http.get(f"/messages/{ORDER_ID}")).json()[0]["message_id"]
        listed = (await http.get("/failures")).json()
        wish = {"message_id": failed}
        first, second = [
            await http.post(f"/messages/{ORDER_ID}/resend", json=wish) for _ in range(2)
        ]
        cleared = (await http.get("/failures")).json()
        seen = (await http.get(f"/messages/{ORDER_ID}")).json()
    assert [(f["kind"], f["key"]) for f in listed] == [("order", ORDER_ID)]
    assert first.status_code == 200 and second.status_code == 409
    assert cleared == [] and seen[-1]["asked_by"] == "ada"
    assert seen[-1]["message_id"] == first.json()["message_id"]


async def test_alerts_about_a_sku_can_be_read(door: Door) -> None:
    async with client(door, "notify:read") as http:
        seen = (await http.get(f"/alerts/{SKU}")).json()
    assert [m["template"] for m in seen] == ["shortage_alert", "backlog_alert"]


async def test_what_is_not_there_is_not_found_and_what_is_not_allowed_is_forbidden(
    door: Door,
) -> None:
    async with client(door, "notify:read") as http:
        answers = [
            await http.get("/messages/none"),
            await http.get("/alerts/none"),
            await http.post(f"/messages/{ORDER_ID}/resend", json={"message_id": "m"}),
        ]
    assert [a.status_code for a in answers] == [404, 404, 403]
