"""Whether the topics that a service needs are there."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient


async def missing(bootstrap: str, topics: Sequence[str], partitions: int) -> str:
    """What keeps us from the broker, or which of `topics` is not as it must be; or nothing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        there = {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics()}
    except Exception as error:  # whatever keeps us from the broker, we ask again
        return f"broker: {type(error).__name__}: {error}"
    finally:
        await admin.close()
    wrong = [t for t in topics if there.get(t) != partitions]
    found = ", ".join(f"{t} has {there.get(t, 'none')}" for t in wrong)
    return f"topics need {partitions} partitions: {found}" if wrong else ""
