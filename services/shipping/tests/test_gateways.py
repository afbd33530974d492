"""The sandbox carrier keeps its promises: behaviour by address, one purchase per name."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import ASKED, ASKED_AGAIN, NOW

from oms_chassis.gateway import GatewayRefused
from oms_chassis.sealing import KeyRing
from oms_contracts.channel import Address
from oms_shipping.domain import Policy
from oms_shipping.gateways import ROUTES, USUAL_ROUTE, Behaviour, SandboxCarrier

Buy = Callable[..., dict[str, Any]]


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.create(tmp_path / "keys.json", "2026-11")


@pytest.fixture
async def carrier(tmp_path: Path, ring: KeyRing) -> AsyncIterator[SandboxCarrier]:
    made = SandboxCarrier(tmp_path / "carrier.jsonl", ring, 0.0, 100.0)
    yield made
    await made.close()


@pytest.fixture
def buy(ring: KeyRing) -> Buy:
    def body(
        marker: str = "", purchase_id: str = ASKED, *, by_code: bool = False
    ) -> dict[str, Any]:
        address = Address(
            name="Ada", line1="Main St 1" + ("" if by_code else marker), city="Bonn",
            postal_code="53111" + (marker if by_code else ""), country="DE",
        )  # fmt: skip
        sealed = ring.seal(address.model_dump_json().encode(), b"test")
        parcels = [{"parcel_id": "P-1"}, {"parcel_id": "P-2"}]
        return {"purchase_id": purchase_id, "parcels": parcels, "address": sealed}

    return body


def log_of(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "carrier.jsonl").open()]


async def test_every_parcel_gets_a_label_of_its_own(carrier: SandboxCarrier, buy: Buy) -> None:
    answer = await carrier.call("buy_labels", "k1", buy())
    numbers = {label["parcel_id"]: label["tracking_no"] for label in answer["labels"]}
    assert numbers.keys() == {"P-1", "P-2"} and len(set(numbers.values())) == 2


async def test_a_purchase_is_made_once_whatever_key_it_is_repeated_under(
    carrier: SandboxCarrier, buy: Buy, tmp_path: Path
) -> None:
    answers = [await carrier.call("buy_labels", key, buy()) for key in ("k1", "k1", "k2")]
    assert answers[0] == answers[1] == answers[2]
    assert [line["outcome"] for line in log_of(tmp_path)] == ["bought", "repeated", "repeated"]


async def test_a_restarted_carrier_remembers_purchases_and_voids(
    carrier: SandboxCarrier, buy: Buy, tmp_path: Path, ring: KeyRing
) -> None:
    bought = await carrier.call("buy_labels", "k1", buy())
    await carrier.call("void", "k2", {"purchase_id": ASKED_AGAIN})
    restarted = SandboxCarrier(tmp_path / "carrier.jsonl", ring)
    assert await restarted.call("buy_labels", "k3", buy()) == bought
    with pytest.raises(GatewayRefused) as refusal:
        await restarted.call("buy_labels", "k4", buy(purchase_id=ASKED_AGAIN))
    assert refusal.value.code == "voided"
    await restarted.close()


@pytest.mark.parametrize(
    ("marker", "by_code", "code"),
    [
        ("#refuse", False, "address"),
        (" #REFUSE", True, "address"),
        ("#unserved", False, "not_served"),
    ],
)
async def test_the_address_says_that_the_carrier_refuses(
    carrier: SandboxCarrier, buy: Buy, marker: str, by_code: bool, code: str
) -> None:
    with pytest.raises(GatewayRefused) as refusal:
        await carrier.call("buy_labels", "k1", buy(marker, by_code=by_code))
    assert refusal.value.code == code


async def test_a_silent_carrier_has_sold_the_labels_all_the_same(
    carrier: SandboxCarrier, buy: Buy
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await carrier.call("buy_labels", "k1", buy("#silent"))
    assert (await carrier.call("buy_labels", "k1", buy("#silent")))["labels"]


async def test_a_void_is_free_twice_but_for_labels_that_cannot_be_voided(
    carrier: SandboxCarrier, buy: Buy
) -> None:
    await carrier.call("buy_labels", "k1", buy())
    for _ in range(2):
        assert await carrier.call("void", "k2", {"purchase_id": ASKED}) == {}
    await carrier.call("buy_labels", "k3", buy("#unvoidable", ASKED_AGAIN))
    with pytest.raises(GatewayRefused):
        await carrier.call("void", "k4", {"purchase_id": ASKED_AGAIN})


@pytest.mark.parametrize(
    ("marker", "last"),
    [("", "Delivered"), ("#attempt", "Delivered"), ("#return", "Returning"), ("#lost", "Lost")],
)
async def test_the_address_says_how_the_parcel_fares(
    carrier: SandboxCarrier, buy: Buy, marker: str, last: str
) -> None:
    answer = await carrier.call("buy_labels", "k1", buy(marker))
    tracking_no = answer["labels"][0]["tracking_no"]
    codes = {}
    for after in (0, 60, 100):
        asked_at = NOW + timedelta(seconds=after)
        told = await carrier.call(
            "track", f"k{after}",
            {"purchase_id": ASKED, "tracking_nos": [tracking_no], "shipped_at": NOW.isoformat(),
             "asked_at": asked_at.isoformat()},
        )  # fmt: skip
        codes[after] = [scan["code"] for scan in told["scans"]]
    assert codes[0] == ["InTransit"] and codes[100][-1] == last
    assert codes[60] == codes[100][: len(codes[60])]


def test_every_word_of_the_sandbox_is_one_of_ours() -> None:
    words = {code for route in (*ROUTES.values(), USUAL_ROUTE) for _, code in route}
    assert {Policy().word("parcelpost", word) for word in words}.isdisjoint({"unknown"})


async def test_nothing_personal_reaches_the_log(
    carrier: SandboxCarrier, buy: Buy, tmp_path: Path
) -> None:
    for behaviour in (Behaviour.DELIVER, Behaviour.LOST):
        await carrier.call("buy_labels", behaviour, buy(f"#{behaviour}", behaviour))
    text = (tmp_path / "carrier.jsonl").read_text()
    assert "Ada" not in text and "Main St" not in text and "53111" not in text
