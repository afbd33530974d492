"""Names and addresses are seen by who must see them, and lie nowhere else."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
from floor import Floor
from merchant import FLOOR, Known, Merchant
from ordering import line, placed, unique, until
from topics import OURS

from oms_contracts.channel import Address, Contact, OrderPlaced
from oms_contracts.warehouse import FulfilmentPacked

CANARY = "Zyxquorn"
"""A name that nobody else in the world has; it stands in every personal field below."""
CONTACT = Contact(
    name=f"{CANARY} Contact", email=f"{CANARY}@customers.example", phone=f"+49 {CANARY}",
    customer_ref=f"ref {CANARY}",
)  # fmt: skip
ADDRESS = Address(
    name=f"{CANARY} Receiver", line1=f"{CANARY} Street 1", line2=f"c/o {CANARY}",
    city=f"{CANARY}town", region=CANARY, postal_code=CANARY, country="DE",
)  # fmt: skip
TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


async def test_names_and_addresses_are_in_no_topic_log_trace_letter_or_table_of_ours(
    merchant: Merchant, floor: Floor
) -> None:
    known = await _shipped(merchant)
    await _rejected(merchant)
    await _buried(merchant)
    await _parked(merchant, floor)
    await merchant.all_is_quiet()

    page = await merchant.order(known)
    assert page["personal"]["contact"]["name"] == CONTACT.name
    assert merchant.mails(page["order_no"], CONTACT.email)
    [parcel] = page["parcels"]
    label = await merchant.client("shipping").get(f"/labels/{parcel['parcel_id']}")
    assert ADDRESS.line1 in label.text

    kinds = {place.split()[0] for place in await _places(merchant, page["order_id"])}
    assert kinds == {"topic", "table", "file"}  # so the search sees all of them
    assert await _places(merchant, CANARY) == []


async def test_a_channel_sees_its_own_orders_and_no_names(merchant: Merchant) -> None:
    known = await merchant.place(_personal(unique("SILK")))
    page = await merchant.reaches(known, "backordered")
    path = f"/orders/{page['order_id']}"
    own = await merchant.client("order", "web").get(path)
    assert own.is_success and CANARY not in own.text
    assert (await merchant.client("order", "store").get(path)).status_code == 404
    assert (await merchant.client("order", "picker").get(path)).status_code == 403
    anybody = await merchant.client("order", "web").get(path, headers={"Authorization": "Bearer x"})
    assert anybody.status_code == 401


def _personal(sku: str, **more: Any) -> OrderPlaced:
    return placed(
        line(sku), contact=CONTACT, ship_to=ADDRESS, bill_to=ADDRESS, note=f"for {CANARY}", **more
    )


async def _shipped(merchant: Merchant) -> Known:
    """An order that goes all its way, after a person has corrected its address."""
    sku = unique("VEIL")
    await merchant.receive(sku, 1)
    wrong = ADDRESS.model_copy(update={"line1": f"{CANARY} #refuse"})
    order = _personal(sku)
    known = await merchant.place(order.model_copy(update={"ship_to": wrong}))
    await merchant.release(await merchant.is_held(known, "address"), ship_to=ADDRESS.model_dump())
    await merchant.reaches(known, "completed")
    return known


async def _rejected(merchant: Merchant) -> None:
    """An order whose personal fields are those with the faults, through both doors."""
    order = _personal(unique("CAPE"))
    spoilt = CONTACT.model_copy(update={"email": f"{CANARY} at home", "name": f"{CANARY}\x07"})
    order = order.model_copy(update={"contact": spoilt})
    known = await merchant.place(order)
    await merchant.is_told(known, "OrderRejected")
    posted = await merchant.post_order(order)
    assert posted.status_code == 422 and CANARY not in posted.text


async def _buried(merchant: Merchant) -> None:
    """A record that names no order, with somebody's name in it."""
    await merchant.publish("web", "", OrderPlaced.TYPE, f'{{"name": "{CANARY}"'.encode())


async def _parked(merchant: Merchant, floor: Floor) -> None:
    """An order that one broken event has parked, and what its channel sends next."""
    sku = unique("MASK")
    await merchant.receive(sku, 1, FLOOR)
    order = _personal(sku)
    known = await merchant.place(order)
    await floor.worksheet(known)
    page = await merchant.order(known)
    [released] = await merchant.facts(page, "OrderReleased")
    await merchant.say(released, FulfilmentPacked, {"parcels": "none"})
    await until(lambda: _parked_rows(merchant, page, 1))
    await merchant.place(_personal(sku, external_id=order.external_id))
    await until(lambda: _parked_rows(merchant, page, 2))


async def _parked_rows(merchant: Merchant, page: Any, count: int) -> bool:
    rows = await merchant.see("order", "/parked")
    return len([row for row in rows if row["key"] == page["order_id"]]) == count


async def _places(merchant: Merchant, word: str) -> list[str]:
    """Where a word lies: in what our services wrote, keep, or noted down."""
    topics = [f"topic {name}" async for name in _topics(merchant, word)]
    tables = [f"table {name}" async for name in _tables(merchant, word)]
    return topics + tables + [f"file {path.name}" for path in _files(merchant, word)]


async def _topics(merchant: Merchant, word: str) -> AsyncIterator[str]:
    for topic in OURS:
        records = await merchant.topics.records(topic)
        if any(word.encode() in r.value + repr((r.key, r.headers)).encode() for r in records):
            yield topic


async def _tables(merchant: Merchant, word: str) -> AsyncIterator[str]:
    """Whole rows as text; what is stored as bytes is hexadecimal there."""
    spellings = [f"%{word}%", f"%{word.encode().hex()}%"]
    for service, dsn in merchant.system.check_dsns.items():
        db = await asyncpg.connect(dsn)
        try:
            for (name,) in await db.fetch(TABLES):
                found = f"SELECT EXISTS (SELECT FROM {name} AS t WHERE t::text ILIKE ANY($1))"
                if await db.fetchval(found, spellings):
                    yield f"{service}.{name}"
        finally:
            await db.close()


def _files(merchant: Merchant, word: str) -> Iterator[Path]:
    """Logs, traces and the sandboxes' books. (Mails are meant to hold names.)"""
    data_dir = merchant.stack.data_dir
    logs = (merchant.stack.run_dir / "logs").glob("*.log")
    for path in (*logs, *data_dir.glob("*.jsonl"), *(data_dir / "traces").glob("*.jsonl")):
        if word.lower() in path.read_text(errors="replace").lower():
            yield path
