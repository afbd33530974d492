"""Somebody who has nothing but a Kafka client and our documents."""

import asyncio
import json
import re
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from merchant import Merchant
from ordering import DEADLINE_SECONDS

GUIDE = Path(__file__).parents[2] / "docs/channels.md"
SNIPPET = re.compile(r"```python\n(.*?)```", re.DOTALL)


async def test_a_stranger_places_an_order_as_the_documents_say_and_reads_the_answers(
    merchant: Merchant,
) -> None:
    [snippet] = SNIPPET.findall(GUIDE.read_text())
    await merchant.receive("LAMP-OAK-01", 2)
    await _run(snippet.replace("localhost:9092", merchant.system.bootstrap))

    consumer = AIOKafkaConsumer(
        "oms.channel.web.answers.v1", bootstrap_servers=merchant.system.bootstrap,
        auto_offset_reset="earliest",
    )  # fmt: skip
    told: list[tuple[str, dict[str, object]]] = []
    async with consumer, asyncio.timeout(DEADLINE_SECONDS):
        async for answer in consumer:
            headers = dict(answer.headers)
            assert headers["ce_specversion"] == b"1.0"
            if answer.key == b"WEB-2026-88017":
                told.append((headers["ce_type"].decode(), json.loads(answer.value)))
            if told and told[-1][0] == "oms.channel.OrderClosed.v1":
                break
    assert [type_.split(".")[2] for type_, _ in told] == [
        "OrderConfirmed", "OrderDispatched", "OrderClosed",
    ]  # fmt: skip
    closed = told[-1][1]
    assert closed["charged_minor"] == 20_575
    assert closed["shipped"] == [{"line_id": "1", "sku": "LAMP-OAK-01", "qty": 2}]


async def _run(program: str) -> None:
    """Run a program in a process of its own."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await asyncio.wait_for(process.wait(), DEADLINE_SECONDS) == 0
