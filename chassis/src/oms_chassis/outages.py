"""When the database is away, and when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg

PROBE_SECONDS = 0.5
"""Pause between looks at a database that is away."""
CONNECT_SECONDS = 5.0
TEXT = "the database is away; try again later"

AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
"""The same batch again: two transactions got in each other's way."""
AWAY = (
    OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError, asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,  # a session that ended amid a statement
)  # fmt: skip
"""Nobody's data is at fault: nothing can be done until the database is back."""


async def until_back(dsn: str, still_away: Callable[[Exception], None]) -> None:
    """Wait for the database: up is what a new connection says, not what a cycle returns."""
    while True:
        await asyncio.sleep(PROBE_SECONDS)
        try:
            db = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
            try:
                await db.fetchval("SELECT 1")
            finally:
                await db.close(timeout=1)
        except Exception as error:  # still away, in whatever words
            still_away(error)
        else:
            return
