"""Ground for the toy service: real processes, a real broker, a real database."""

import asyncio
import os
import re
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
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from oms_chassis.app import Service
from oms_chassis.decision import mint_id
from oms_chassis.keys import new_key
from oms_chassis.replica import Replica as Parts
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.store import partition_of
from oms_chassis.work import Batch
from oms_contracts import wire
from oms_platform import LocalPlatform, ServiceProcess, free_port, service_env
from toy.service import BalanceChanged, Deposited, Policy

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

    @asynccontextmanager
    async def starting(
        self, slot: str = "0", module: str = "toy", **settings: str
    ) -> AsyncIterator["Replica"]:
        """A replica whose HTTP door is open, ready or not; ended with the block."""
        replica = self.prepare(slot, module, **settings)
        replica.process.start()
        try:
            await replica.process.wait_ready(f"{replica.url}/live", DEADLINE_SECONDS)
            yield replica
        finally:
            await replica.process.stop()

    def prepare(self, slot: str = "0", module: str = "toy", **settings: str) -> "Replica":
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
        process = self.platform.service(
            f"{module}-{slot}", [sys.executable, "-m", module, "run"], env
        )
        return Replica(self, process, f"http://127.0.0.1:{port}")

    async def deposit(
        self, *deposits: tuple[str, int], raw: bytes | None = None, of: type[Deposited] = Deposited
    ) -> list[uuid.UUID]:
        """Publish deposits (account, amount) in order; returns their event ids."""
        producer = AIOKafkaProducer(bootstrap_servers=self.platform.state.bootstrap)
        await producer.start()
        ids = []
        try:
            for account, amount in deposits:
                now = datetime.now(UTC)
                ids.append(mint_id(now, str(uuid.uuid4())))
                headers = wire.headers_of(ids[-1], of.TYPE, "/toy-test", now, 1, None, "main", None)
                value = wire.encode(of(amount=amount)) if raw is None else raw
                await producer.send(of.TOPIC, value, key=account.encode(), headers=headers)
            await producer.flush()
        finally:
            await producer.stop()
        return ids

    @asynccontextmanager
    async def parts(self, service: Service, dsn: str = "", **settings: Any) -> AsyncIterator[Parts]:
        """The parts of a replica in this process; nothing of it runs by itself."""
        given = Settings(
            service=service.name, kafka_bootstrap=self.platform.state.bootstrap,
            database_dsn=dsn or self.dsn, partitions=PARTITIONS, data_dir=self.data_dir, **settings,
        )  # fmt: skip
        named = {"application_name": "toy-parts"}
        async with asyncpg.create_pool(
            given.database_dsn, min_size=1, max_size=2, server_settings=named
        ) as pool:
            replica = Parts(service, given, KeyRing(self.run_dir / "ring.json"), pool, Policy())
            try:
                yield replica
            finally:
                await replica.producer.stop()
                replica.tracer.close()

    def batch(self, replica: Parts, account: str, value: bytes) -> Batch:
        """One deposit as a reader would hand it over."""
        now = datetime.now(UTC)
        headers = wire.headers_of(
            mint_id(now, str(uuid.uuid4())), Deposited.TYPE, "/toy-test", now, 1, None, "main", None
        )
        partition = partition_of(account, PARTITIONS)
        record = ConsumerRecord(
            topic=Deposited.TOPIC, partition=partition, offset=0, timestamp=0, timestamp_type=0,
            key=account.encode(), value=value, headers=headers, checksum=None,
            serialized_key_size=-1, serialized_value_size=-1,
        )  # fmt: skip
        return replica.intake.batch([record])

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

    async def holds(self, account: str, balance: int) -> bool:
        """Whether that is an account's balance."""
        return await self.balance(account) == balance

    @asynccontextmanager
    async def held_up(self, deed: str, table: str, account: str) -> AsyncIterator["HoldUp"]:
        """Whoever does `deed` (INSERT, UPDATE, DELETE) to the account's rows of `table` waits.

        Of the outbox any row counts.
        """
        row = "OLD" if deed == "DELETE" else "NEW"
        of_account = f"WHEN ({row}.account = '{account}') "
        if table == "outbox":  # its rows hold facts of many accounts
            of_account = ""
        async with HoldUp(await asyncpg.connect(self.dsn)) as held:
            await held.db.execute(
                _WAIT_HERE + f"CREATE TRIGGER wait_here BEFORE {deed} ON {table} FOR EACH ROW "
                f"{of_account}EXECUTE FUNCTION wait_here()"
            )
            try:
                yield held
            finally:
                await held.release()
                await held.db.execute(f"DROP TRIGGER wait_here ON {table}")

    async def has_told(self, account: str, facts: list[tuple[int, int]]) -> bool:
        """Whether those are the facts about an account, repetitions left out."""
        return await self.first_told(account) == facts

    async def first_told(self, account: str) -> list[tuple[int, int]]:
        """`told`, but each fact where it occurs first: takeovers may repeat records."""
        return list(dict.fromkeys(await self.told(account)))

    async def told(self, account: str) -> list[tuple[int, int]]:
        """Every fact about an account in the log: (sequence, balance), in log order."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.platform.state.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            places = [TopicPartition(BalanceChanged.TOPIC, p) for p in range(PARTITIONS)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
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


_WAIT_HERE_LOCK = 4711
_WAIT_HERE = f"""
CREATE OR REPLACE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared({_WAIT_HERE_LOCK}); RETURN coalesce(NEW, OLD); END $$;
"""


class HoldUp:
    """A place in the database where everybody waits until the block ends."""

    def __init__(self, db: asyncpg.Connection) -> None:
        self.db = db

    async def __aenter__(self) -> "HoldUp":
        await self.db.execute("SELECT pg_advisory_lock($1)", _WAIT_HERE_LOCK)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.db.close()

    async def waiting(self, sessions: int = 1) -> bool:
        """Whether so many sessions wait here."""
        found = await self.db.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        )
        return bool(found == sessions)

    async def release(self) -> None:
        """Let everybody go on."""
        await self.db.execute("SELECT pg_advisory_unlock_all()")


class Replica:
    """One process of the toy service."""

    def __init__(self, toy: Toy, process: ServiceProcess, url: str) -> None:
        self.toy, self.process, self.url = toy, process, url

    async def ready(self) -> None:
        """Wait until it says that it is ready."""
        await self.process.wait_ready(f"{self.url}/ready", deadline_seconds=DEADLINE_SECONDS)

    async def reason(self, check: str) -> str:
        """Why it is not ready as far as `check` goes; empty if it is."""
        try:
            told = (await self.get("/ready")).json()["checks"]
        except httpx.TransportError:
            return "no answer"
        return next(c["reason"] for c in told if c["name"] == check)

    async def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = (await self.get("/metrics")).text.splitlines()
        return sum(float(x.rpartition(" ")[2]) for x in lines if re.match(rf"{name}[ {{]", x))

    def logged(self, event: str) -> bool:
        """Whether it has logged `event`."""
        return event in self.process.log_path.read_text()

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
