"""Ground for the toy service: real processes, a real broker, a real database."""

import asyncio
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from oms_chassis.decision import mint_id
from oms_chassis.keys import new_key
from oms_chassis.sealing import KeyRing
from oms_contracts import wire
from oms_platform import LocalPlatform, ServiceProcess, free_port, service_env
from toy.service import BalanceChanged, Deposited

TESTS = Path(__file__).resolve().parents[1]
PARTITIONS = 6
DEADLINE_SECONDS = 30.0


class Toy:
    """One broker, one database and as many replicas of the toy service as a test starts."""

    def __init__(self, platform: LocalPlatform, run_dir: Path) -> None:
        self.platform = platform
        self.run_dir = run_dir
        self.data_dir = run_dir / "data"
        self.key, line = new_key("op", ["toy:read", "toy:write", "ops:read", "ops:write"])
        (run_dir / "keys.json").write_bytes(msgspec.json.encode([line]))
        KeyRing.create(run_dir / "ring.json")

    @property
    def dsn(self) -> str:
        """The toy's database."""
        return self.platform.state.dsn("toy")

    @asynccontextmanager
    async def replica(self, slot: str = "0", **settings: str) -> AsyncIterator["Replica"]:
        """A running replica that is ready; ended with the block, however that ends."""
        replica = self.prepare(slot, **settings)
        replica.process.start()
        try:
            await replica.ready()
            yield replica
        finally:
            await replica.process.stop()

    def prepare(self, slot: str = "0", **settings: str) -> "Replica":
        """A replica that is not started yet."""
        port = free_port()
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(TESTS),
            **service_env(self.platform.state, "toy"),
            "OMS_API_KEYS_FILE": str(self.run_dir / "keys.json"),
            "OMS_KEY_RING_FILE": str(self.run_dir / "ring.json"),
            "OMS_DATA_DIR": str(self.data_dir),
            "OMS_PARTITIONS": str(PARTITIONS),
            "OMS_SESSION_TIMEOUT_MS": "6000",
            "OMS_HTTP_PORT": str(port),
            "OMS_SLOT": slot,
            **settings,
        }
        process = self.platform.service(f"toy-{slot}", [sys.executable, "-m", "toy", "run"], env)
        return Replica(self, process, f"http://127.0.0.1:{port}")

    async def deposit(
        self, *deposits: tuple[str, int], raw: bytes | None = None
    ) -> list[uuid.UUID]:
        """Publish deposits (account, amount) in order; returns their event ids."""
        producer = AIOKafkaProducer(bootstrap_servers=self.platform.state.bootstrap)
        await producer.start()
        ids = []
        try:
            for account, amount in deposits:
                now = datetime.now(UTC)
                ids.append(mint_id(now, str(uuid.uuid4())))
                headers = wire.headers_of(
                    ids[-1], Deposited.TYPE, "/toy-test", now, 1, None, "main", None
                )
                value = wire.encode(Deposited(amount=amount)) if raw is None else raw
                await producer.send(Deposited.TOPIC, value, key=account.encode(), headers=headers)
            await producer.flush()
        finally:
            await producer.stop()
        return ids

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Read the toy's database."""
        db = await asyncpg.connect(self.dsn)
        try:
            return await db.fetch(statement, *values)
        finally:
            await db.close()

    async def balance(self, account: str) -> int | None:
        """An account's balance, or None."""
        rows = await self.fetch("SELECT balance FROM account WHERE account = $1", account)
        return rows[0]["balance"] if rows else None

    async def told(self, account: str) -> list[tuple[int, int]]:
        """Every fact about an account in the log: (sequence, balance), in log order."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.platform.state.bootstrap)
        await consumer.start()
        try:
            places = [TopicPartition(BalanceChanged.TOPIC, p) for p in range(PARTITIONS)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            await consumer.seek_to_beginning(*places)
            found = []
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [
                        (
                            wire.envelope(r.headers).sequence,
                            wire.decode(BalanceChanged, r.value).balance,
                        )
                        for r in records
                        if r.key == account.encode()
                    ]
            return found
        finally:
            await consumer.stop()


class Replica:
    """One process of the toy service."""

    def __init__(self, toy: Toy, process: ServiceProcess, url: str) -> None:
        self.toy, self.process, self.url = toy, process, url

    async def ready(self) -> None:
        """Wait until it says that it is ready."""
        await self.process.wait_ready(f"{self.url}/ready", deadline_seconds=DEADLINE_SECONDS)

    async def get(self, path: str) -> httpx.Response:
        """Ask its HTTP door."""
        return await self._call("GET", path)

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        """Command it through its HTTP door."""
        return await self._call("POST", path, body)

    async def _call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.toy.key}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30) as client:
            return await client.request(method, path, json=body)


async def until(
    what: Callable[[], Awaitable[Any]], deadline_seconds: float = DEADLINE_SECONDS
) -> Any:
    """Poll until `what` is true and return it; fails with its last value after the deadline."""
    give_up = time.monotonic() + deadline_seconds
    while not (found := await what()):
        assert time.monotonic() < give_up, f"still {found!r} after {deadline_seconds} s"
        await asyncio.sleep(0.05)
    return found
