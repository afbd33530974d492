"""The provider in the sandbox: what tokens do, and that its log is the truth."""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import EUR, NOW, ORDER, request_id

from oms_billing.gateways import SandboxPayments
from oms_chassis.gateway import GatewayRefused, GatewayUnknown

AUTHORISE, CAPTURE, OTHER = request_id("authorise"), request_id("capture"), request_id("other")


class Clock:
    """Time as a test tells it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "data" / "payments.jsonl"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(log: Path, clock: Clock) -> Iterator[SandboxPayments]:
    made = SandboxPayments(log, clock)
    yield made
    asyncio.run(made.close())


def body(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "order_id": ORDER, "order_no": "1", "currency": EUR} | more


async def authorise(provider: SandboxPayments, token: str, tries: int = 1) -> Any:
    asked = body(AUTHORISE, token=token, amount_minor=1_000)
    return await provider.call("authorise", OTHER, asked | {"try": tries})


async def capture(provider: SandboxPayments, amount_minor: int, tries: int = 1) -> Any:
    id_ = f"auth-{AUTHORISE.replace('-', '')}"
    asked = body(CAPTURE + str(tries), authorisation_id=id_, amount_minor=amount_minor)
    return await provider.call("capture", OTHER, asked | {"try": tries})


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


async def test_every_call_is_a_line_of_the_log(provider: SandboxPayments, log: Path) -> None:
    await authorise(provider, "tok_approve")
    await capture(provider, 400)
    with pytest.raises(GatewayRefused):
        await capture(provider, 601, tries=2)
    told = [(line["method"], line["result"], line["amount_minor"]) for line in lines(log)]
    assert told == [
        ("authorise", "done", 1_000),
        ("capture", "done", 400),
        ("capture", "refused", 0),
    ]
    assert lines(log)[0] | {"body": 0} == {
        "at": NOW.isoformat(), "method": "authorise", "key": AUTHORISE, "order_id": ORDER,
        "result": "done", "repeat": False, "amount_minor": 1_000, "currency": EUR, "code": "",
        "body": 0,
    }  # fmt: skip


async def test_the_same_key_twice_moves_money_once(provider: SandboxPayments, log: Path) -> None:
    await authorise(provider, "tok_approve")
    assert await capture(provider, 400) == await capture(provider, 400)
    assert [line["amount_minor"] for line in lines(log)] == [1_000, 400, 0]
    assert [line["repeat"] for line in lines(log)] == [False, False, True]


async def test_a_refusal_is_repeated_with_its_key(provider: SandboxPayments) -> None:
    for _ in range(2):
        with pytest.raises(GatewayRefused, match="do_not_honour"):
            await authorise(provider, "tok_decline")


async def test_what_was_refused_stays_refused_under_its_key(provider: SandboxPayments) -> None:
    id_ = (await authorise(provider, "tok_approve"))["authorisation_id"]
    asked = body(OTHER, authorisation_id=id_, amount_minor=100)
    with pytest.raises(GatewayRefused, match="exceeds_captured"):
        await provider.call("refund", OTHER, asked)
    await capture(provider, 400)
    with pytest.raises(GatewayRefused, match="exceeds_captured"):
        await provider.call("refund", OTHER, asked)


async def test_a_restart_forgets_nothing(provider: SandboxPayments, log: Path) -> None:
    before = await authorise(provider, "tok_approve")
    captured = await capture(provider, 400)
    again = SandboxPayments(log)
    assert await authorise(again, "tok_approve") == before
    assert await capture(again, 400) == captured
    with pytest.raises(GatewayRefused, match="exceeds"):
        await capture(again, 601, tries=2)
    await again.close()


async def test_two_processes_share_one_truth(provider: SandboxPayments, log: Path) -> None:
    other = SandboxPayments(log)
    await authorise(provider, "tok_approve")
    await capture(other, 400)
    with pytest.raises(GatewayRefused, match="exceeds"):
        await capture(provider, 601, tries=2)
    await other.close()


async def test_a_line_torn_by_a_crash_is_forgotten(provider: SandboxPayments, log: Path) -> None:
    await authorise(provider, "tok_approve")
    with log.open("ab") as file:
        file.write(b'{"at":"2026-11-24T10:0')
    again = SandboxPayments(log)
    await capture(again, 400)
    assert [line["method"] for line in lines(log)] == ["authorise", "capture"]
    await again.close()


async def test_calls_of_one_moment_are_written_together(
    provider: SandboxPayments, log: Path
) -> None:
    asked = [body(request_id(f"n {n}"), token="tok_approve", amount_minor=n) for n in range(50)]
    done = await asyncio.gather(
        *(provider.call("authorise", OTHER, each | {"try": 1}) for each in asked)
    )
    assert [answer["amount_minor"] for answer in done] == list(range(50)) and len(lines(log)) == 50


async def test_a_log_that_cannot_be_written_leaves_the_call_unknown(
    log: Path, clock: Clock
) -> None:
    provider = SandboxPayments(log, clock)
    await provider.close()
    with pytest.raises(OSError):
        await authorise(provider, "tok_approve")


async def test_a_silent_provider_says_nothing_and_does_nothing(
    provider: SandboxPayments, log: Path
) -> None:
    with pytest.raises(GatewayUnknown):
        await authorise(provider, "tok_silent")
    assert lines(log)[0]["result"] == "silent" and lines(log)[0]["amount_minor"] == 0


async def test_a_late_success_is_told_after_a_minute(
    provider: SandboxPayments, log: Path, clock: Clock
) -> None:
    for _ in range(2):
        with pytest.raises(GatewayUnknown):
            await authorise(provider, "tok_late_success")
    clock.now += timedelta(minutes=1)
    assert (await authorise(provider, "tok_late_success"))["amount_minor"] == 1_000
    assert [line["amount_minor"] for line in lines(log)] == [1_000, 0, 0]


async def test_a_payer_declined_once_pays_at_the_second_try(provider: SandboxPayments) -> None:
    with pytest.raises(GatewayRefused, match="insufficient_funds"):
        await authorise(provider, "tok_decline_then_pay")
    asked = body(OTHER, token="tok_decline_then_pay", amount_minor=5) | {"try": 2}
    assert (await provider.call("authorise", OTHER, asked))["amount_minor"] == 5


async def test_captures_fail_once_or_always_as_the_token_says(provider: SandboxPayments) -> None:
    await authorise(provider, "tok_capture_fails_once")
    with pytest.raises(GatewayRefused, match="processor_declined"):
        await capture(provider, 400)
    assert (await capture(provider, 400, tries=2))["amount_minor"] == 400


async def test_an_expired_authorisation_is_not_captured(
    provider: SandboxPayments, clock: Clock
) -> None:
    await authorise(provider, "tok_expires_soon")
    clock.now += timedelta(hours=1)
    with pytest.raises(GatewayRefused, match="authorisation_expired"):
        await capture(provider, 400)


async def test_a_void_of_a_key_never_seen_blocks_it(provider: SandboxPayments) -> None:
    asked = body(OTHER, authorisation_id="", authorise_key=AUTHORISE)
    assert (await provider.call("void", OTHER, asked))["amount_minor"] == 0
    with pytest.raises(GatewayRefused, match="already_voided"):
        await authorise(provider, "tok_approve")


async def test_a_lookup_answers_as_a_repeated_call_does(provider: SandboxPayments) -> None:
    first = await authorise(provider, "tok_approve")
    asked = body(AUTHORISE, token="tok_approve", amount_minor=1_000) | {"try": 1}
    assert await provider.lookup("authorise", OTHER, asked) == first
