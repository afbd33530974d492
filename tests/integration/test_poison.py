"""Records that nobody can read, or not yet: they are kept with a reason, and hold nobody up."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError
from merchant import ON_ITS_WAY, Known, Merchant
from ordering import line, placed, unique, until
from topics import DECLARED, INTERNAL, Spot

from oms_contracts import wire
from oms_contracts.channel import OrderPlaced
from oms_contracts.inventory import BackorderPromised, StockReserved
from oms_contracts.order import OrderAccepted
from oms_platform import SERVICES

CHANNEL = "oms.channel.web.v1"
MEBIBYTE = 2**20
Headers = list[tuple[str, bytes]]
READERS = {topic.name: [r for r in topic.readers if r in SERVICES] for topic in DECLARED}


def order_text(external_id: str) -> str:
    """A good order's JSON, to be spoilt."""
    order = placed(line("POISON"), external_id=external_id)
    return wire.encode(order).decode()


def bodies(external_id: str) -> dict[str, bytes]:
    """Values that are no order, or a strange one."""
    good = order_text(external_id)
    return {
        "nothing": b"",
        "no JSON": b"\x00\x01\x02",
        "half of it": good[: len(good) // 2].encode(),
        "bad UTF-8": good.encode().replace(b"Ada", b"\xff\xfe"),
        "UTF-16": good.encode("utf-16"),
        "NUL": good.replace("Ada", "\\u0000").encode(),
        "raw NUL": good.replace("Ada", "\0").encode(),
        "lone surrogate": good.replace("Ada", "\\ud800").encode(),
        "1e400": good.replace('"qty":1', '"qty":1e400').encode(),
        "NaN": good.replace('"qty":1', '"qty":NaN').encode(),
        "Infinity": good.replace('"qty":1', '"qty":-Infinity').encode(),
        "a huge number": good.replace('"qty":1', f'"qty":{"9" * 100_000}').encode(),
        "depth 10,000": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        "depth 10,000 of lists": b"[" * 10_000 + b"]" * 10_000,
        "duplicate keys": good.replace('"currency"', '"currency":"!!","currency"', 1)
        .replace('"EUR"', '"???"').encode(),
        "as large as a record": good[:-1].encode() + b" " * (MEBIBYTE - 5_000) + b"}",
        "a list": b"[]",
        "text": b'"order"',
    }  # fmt: skip


def headers(type_: str, **changes: bytes | None) -> Headers:
    """Those of an event, with some of them changed or left out."""
    now = datetime.now(UTC)
    told = dict(wire.headers_of(uuid.uuid4(), type_, "/poison", now, 1, None, "main", None))
    return [(name, value) for name, value in (told | changes).items() if value is not None]


def envelopes(type_: str) -> dict[str, Headers]:
    """Headers that make no event."""
    now = datetime.now(UTC)
    good = wire.headers_of(uuid.uuid4(), type_, "/poison", now, 1, None, "main", None)
    return {
        "no headers": [],
        "no version": headers(type_, ce_specversion=None),
        "another version": headers(type_, ce_specversion=b"0.3"),
        "no id": headers(type_, ce_id=None),
        "an empty source": headers(type_, ce_source=b""),
        "no text": headers(type_, ce_source=b"\xff\xfe"),
        "a forged line": headers(type_, ce_source=b'x\r\n{"level":"ERROR"}'),
        "a long id": headers(type_, ce_id=b"a" * 100_000),
        "no time": headers(type_, ce_time=b"yesterday"),
        "no number": headers(type_, ce_sequence=b"-1"),
        "two types": [*good, ("ce_type", type_.encode())],
    }  # fmt: skip


@pytest.mark.parametrize("name", bodies("x"))
async def test_a_body_that_is_no_order_is_answered_or_kept_and_holds_nobody_up(
    merchant: Merchant, name: str
) -> None:
    bad = Known("web", unique("BAD"))
    value = bodies(bad.external_id)[name]
    await merchant.topics.write(CHANNEL, bad.external_id.encode(), value, headers(OrderPlaced.TYPE))
    nameless = await merchant.topics.write(CHANNEL, None, value, headers(OrderPlaced.TYPE))
    await merchant.is_told(bad, "OrderRejected")
    await _is_buried(merchant, nameless, ["order"])
    await _goes_on(merchant, bad.external_id)


@pytest.mark.parametrize("name", envelopes("x"))
async def test_a_record_that_is_no_event_is_kept_with_its_reason(
    merchant: Merchant, name: str
) -> None:
    external_id = unique("BAD")
    value = order_text(external_id).encode()
    spoilt = envelopes(OrderPlaced.TYPE)[name]
    spot = await merchant.topics.write(CHANNEL, external_id.encode(), value, spoilt)
    if name != "no id":  # which strangers need not give
        await _is_buried(merchant, spot, ["order"])
    await _goes_on(merchant, external_id)


async def test_what_a_broker_does_not_take_reaches_nobody(merchant: Merchant) -> None:
    with pytest.raises(MessageSizeTooLargeError):
        await merchant.topics.write(CHANNEL, b"1", b" " * 10 * MEBIBYTE, headers(OrderPlaced.TYPE))


async def test_a_wrong_content_type_changes_nothing(merchant: Merchant) -> None:
    known = Known("web", unique("TYPE"))
    sent = headers(OrderPlaced.TYPE, **{"content-type": b"text/html"})
    value = order_text(known.external_id).encode()
    await merchant.topics.write(CHANNEL, known.external_id.encode(), value, sent)
    await merchant.reaches(known, "backordered")


@pytest.mark.parametrize("topic", INTERNAL)
async def test_garbage_on_a_topic_of_ours_is_kept_by_everybody_and_holds_nobody_up(
    merchant: Merchant, topic: str
) -> None:
    spots: list[Spot] = []
    for spoilt in envelopes("oms.order.OrderAccepted.v1").values():
        spots.append(await merchant.topics.write(topic, b"poison", b"{}", spoilt))
    no_type = headers("x", ce_type=None)
    buried = await merchant.topics.write(topic, b"poison", b"{}", no_type)
    await _is_buried(merchant, buried, READERS[topic])
    strange = headers("oms.order.Whatever.v1")
    await merchant.topics.write(topic, b"poison", b"\xff", strange, buried[1])
    await _goes_on(merchant, unique("AFTER"))
    assert await _parked(merchant, "poison") == []


@pytest.mark.parametrize("name", [n for n in bodies("x") if n != "as large as a record"])
async def test_a_fact_of_ours_that_cannot_be_read_parks_its_key_and_no_other(
    merchant: Merchant, name: str
) -> None:
    order_id = str(uuid.uuid4())
    value = bodies("x")[name]
    await merchant.topics.write(
        OrderAccepted.TOPIC, order_id.encode(), value, headers(OrderAccepted.TYPE)
    )
    hearers = READERS[OrderAccepted.TOPIC]

    async def all_parked() -> bool:
        return {service for service, _ in await _parked(merchant, order_id)} >= {
            s for s in hearers if s in ("inventory", "notify")
        }

    await until(all_parked)
    await _goes_on(merchant, unique("AFTER"))
    for service, row in await _parked(merchant, order_id):
        assert row["reason"] and "Ada" not in row["reason"]
        await merchant.do(service, f"/parked/{row['position']}/skip")
    await until(lambda: _nothing_is_parked(merchant, order_id))


async def test_a_type_nobody_knows_is_skipped_and_counted(merchant: Merchant) -> None:
    type_ = f"oms.order.{unique('Teleported').title().replace('-', '')}.v1"
    await merchant.topics.write(OrderAccepted.TOPIC, b"1", b"{}", headers(type_))
    for service in READERS[OrderAccepted.TOPIC]:

        async def counted(service: str = service) -> bool:
            metrics = await merchant.client(service).get("/metrics")
            return f'oms_skipped_total{{type="{type_}"}} 1.0' in metrics.text

        await until(counted)


async def test_a_newer_version_parks_its_key_and_a_missing_field_is_mended_by_hand(
    merchant: Merchant,
) -> None:
    known = await merchant.place(placed(line(unique("NEWER"))))
    page = await merchant.reaches(known, "backordered")
    promise = [BackorderPromised.__name__]
    await until(lambda: merchant.facts(page, *promise, topic=BackorderPromised.TOPIC))
    await merchant.all_is_quiet()  # nothing real comes to be parked any more
    [accepted] = await merchant.facts(page, "OrderAccepted")
    newer = headers(StockReserved.TYPE.replace(".v1", ".v2"))
    await merchant.topics.write(
        StockReserved.TOPIC, page["order_id"].encode(), b"{}", newer, accepted.partition
    )
    await merchant.say(accepted, BackorderPromised, {"request_id": accepted.data["request_id"]})
    rows = await until(lambda: _parked_rows(merchant, page["order_id"], 2))
    assert "newer than this service" in rows[0]["reason"]
    assert "waits behind" in rows[1]["reason"]

    await merchant.do(
        "order", f"/parked/{rows[0]['position']}/retry"
    )  # of no use before an upgrade
    await until(lambda: _parked_rows(merchant, page["order_id"], 2))
    await merchant.do("order", f"/parked/{rows[0]['position']}/skip")
    await until(lambda: _parked_rows(merchant, page["order_id"], 1))
    # What waited is tried by itself, and says what it lacks.
    mended = {
        "request_id": accepted.data["request_id"], "lines": accepted.data["lines"],
        "eta": "2026-12-24T12:00:00Z", "po_line": "PO-1", "future": {"field": [1, 2]},
    }  # fmt: skip
    await merchant.do("order", f"/parked/{rows[1]['position']}/edit", mended)
    await until(lambda: _nothing_is_parked(merchant, page["order_id"]))
    await merchant.wish_to_cancel(known)
    await merchant.reaches(known, "cancelled")


@pytest.mark.parametrize("field", ["ship_policy", "backorder_policy", "service_level"])
async def test_a_word_nobody_knows_yet_leads_to_a_hold(merchant: Merchant, field: str) -> None:
    known = Known("web", unique("WORD"))
    order = json.loads(order_text(known.external_id)) | {field: "teleport", "surprise": [1]}
    await merchant.publish("web", known.external_id, OrderPlaced.TYPE, json.dumps(order).encode())
    page = await merchant.is_held(known, "unknown")
    await merchant.wish_to_cancel(known)
    await merchant.reaches(known, "cancelled")
    assert page["holds"][0]["gate"] == "release"


async def _goes_on(merchant: Merchant, external_id: str) -> None:
    """A good order on the same partition is taken, and on another number as well."""
    order = placed(line("POISON"), external_id=external_id)
    known = await merchant.place(order)
    await merchant.reaches(known, "backordered", *ON_ITS_WAY)


async def _is_buried(merchant: Merchant, spot: Spot, services: Sequence[str]) -> None:
    """Returns once each of the services keeps the record as a dead letter, with a reason."""
    for service in services:

        async def buried(service: str = service) -> bool:
            rows = await merchant.see(service, "/dead-letters")
            return any(
                (row["topic"], row["partition"], row["offset"]) == spot and row["reason"]
                for row in rows
            )

        await until(buried)


async def _parked(merchant: Merchant, key: str) -> list[tuple[str, Any]]:
    """What waits for a person about a key, anywhere."""
    return [
        (service, row)
        for service in SERVICES
        for row in await merchant.see(service, "/parked")
        if row["key"] == key
    ]


async def _parked_rows(merchant: Merchant, key: str, count: int) -> list[Any]:
    rows = [row for _, row in await _parked(merchant, key)]
    return rows if len(rows) == count else []


async def _nothing_is_parked(merchant: Merchant, key: str) -> bool:
    return not await _parked(merchant, key)
