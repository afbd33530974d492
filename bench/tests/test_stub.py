"""Provider and carrier behind HTTP: the services' own adapters against the real process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bench import stub
from bench.worker import worker

from oms_billing.gateways import HttpPayments
from oms_chassis.gateway import GatewayRefused
from oms_chassis.sealing import KeyRing
from oms_contracts.channel import Address
from oms_shipping.gateways import HttpCarrier

SERVICE_SECONDS = 0.05
ADDRESS = Address(name="A", line1="1 Street", city="C", postal_code="1", country="DE")


@dataclass
class Outside:
    """Both adapters, and the folder with the logs."""

    payments: HttpPayments
    carrier: HttpCarrier
    ring: KeyRing
    folder: Path

    def log(self, name: str) -> list[dict[str, Any]]:
        lines = (self.folder / name).read_bytes().splitlines()
        return [msgspec.json.decode(line) for line in lines]

    def sealed(self, address: Address) -> str:
        return self.ring.seal(address.model_dump_json().encode(), b"one")


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    ring = KeyRing.create(tmp_path / "ring.json")
    job = stub.Job(str(tmp_path / "data"), str(tmp_path / "ring.json"), SERVICE_SECONDS)
    async with worker("bench.stub", job) as started:
        at = f"http://127.0.0.1:{(await started.hear())['port']}"
        made = Outside(
            HttpPayments(f"{at}/payments"), HttpCarrier(f"{at}/carrier", ring), ring,
            tmp_path / "data",
        )  # fmt: skip
        yield made
        await made.payments.close()
        await made.carrier.close()


def wish(token: str) -> dict[str, Any]:
    return {
        "key": f"wish-{token}", "order_id": "o-1", "order_no": "1", "currency": "EUR",
        "token": token, "amount_minor": 500, "try": 1,
    }  # fmt: skip


async def test_a_wish_is_granted_once_however_often_it_is_told(outside: Outside) -> None:
    began = time.monotonic()
    first = await outside.payments.call("authorise", "call-1", wish("tok_approve"))
    assert time.monotonic() - began >= SERVICE_SECONDS
    again = await outside.payments.call("authorise", "call-2", wish("tok_approve"))
    assert first == again
    told = [(line["key"], line["repeat"]) for line in outside.log("payments.jsonl")]
    assert told == [("wish-tok_approve", False), ("wish-tok_approve", True)]


async def test_a_decline_is_a_refusal(outside: Outside) -> None:
    with pytest.raises(GatewayRefused) as refused:
        await outside.payments.call("authorise", "call-1", wish("tok_decline"))
    assert refused.value.code == "do_not_honour"


async def test_labels_are_bought_with_the_address_in_clear(outside: Outside) -> None:
    wanted = {"purchase_id": "p-1", "parcels": [{"parcel_id": "q-1"}]}
    body = {**wanted, "address": outside.sealed(ADDRESS)}
    bought = await outside.carrier.call("buy_labels", "call-1", body)
    assert [label["parcel_id"] for label in bought["labels"]] == ["q-1"]
    assert [line["outcome"] for line in outside.log("carrier.jsonl")] == ["bought"]
    nowhere = ADDRESS.model_copy(update={"line1": "1 Street #refuse"})
    other = {**wanted, "purchase_id": "p-2", "address": outside.sealed(nowhere)}
    with pytest.raises(GatewayRefused) as refused:
        await outside.carrier.call("buy_labels", "call-2", other)
    assert refused.value.code == "address"
