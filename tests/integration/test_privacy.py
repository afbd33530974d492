"""Names and addresses are seen by who must see them, and lie nowhere else."""

from collections.abc import Iterable
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
WHEREVER_ROWS_ARE = """
SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY 1
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

    assert await _topics_with_canaries(merchant) == []
    assert await _tables_with_canaries(merchant) == []
    assert list(_files_with_canaries(merchant)) == []


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


async def _topics_with_canaries(merchant: Merchant) -> list[tuple[str, str, str]]:
    """Everything the services wrote, what channels are told included."""
    records = [r for topic in OURS for r in await merchant.topics.records(topic)]
    written = [(r, r.value + repr((r.key, r.headers)).encode()) for r in records]
    return [(r.topic, r.key, r.name) for r, text in written if CANARY.encode() in text]


async def _tables_with_canaries(merchant: Merchant) -> list[str]:
    """Whole rows as text; what is stored as bytes is hexadecimal there."""
    spellings = [f"%{CANARY}%", f"%{CANARY.encode().hex()}%"]
    found: list[str] = []
    for service, dsn in merchant.system.check_dsns.items():
        db = await asyncpg.connect(dsn)
        try:
            for table in await db.fetch(WHEREVER_ROWS_ARE):
                name = table["name"]
                count = f"SELECT count(*) FROM {name} AS t WHERE t::text ILIKE ANY($1)"
                if await db.fetchval(count, spellings):
                    found.append(f"{service}.{name}")
        finally:
            await db.close()
    return found


def _files_with_canaries(merchant: Merchant) -> Iterable[str]:
    """Logs, traces and the sandboxes' books. (Mails are meant to hold names.)"""
    data_dir = merchant.stack.data_dir
    logs = (merchant.stack.run_dir / "logs").glob("*.log")
    for path in (*logs, *data_dir.glob("*.jsonl"), *(data_dir / "traces").glob("*.jsonl")):
        if CANARY.lower() in path.read_text(errors="replace").lower():
            yield path.name
