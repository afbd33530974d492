"""The database goes away: with outcomes in hand, and with its answer to a commit."""

import json
import time

from toy.ground import DEADLINE_SECONDS, Replica, Toy, until
from toy.road import Road
from toy.service import PAYOUT

AWAY_SECONDS = 10.0
HASTY = {"OMS_REVOKE_TIMEOUT_SECONDS": "2"}
PAYOUTS = 5
_CALLS = "SELECT call_id FROM open_call WHERE key = ANY($1) AND gateway = 'bank'"


async def test_outcomes_in_hand_while_the_database_is_away_ten_seconds_count_once(
    toy: Toy, account: str
) -> None:
    accounts = [f"{account}-{n}" for n in range(PAYOUTS)]
    slow = toy.data_dir / "bank-is-slow"
    async with toy.replica() as replica:
        slow.touch()
        await toy.deposit(*((a, PAYOUT) for a in accounts))
        calls = await until(lambda: _calls(toy, accounts))
        await until(lambda: _performed(toy, calls))
        toy.platform.postgres.kill()
        gone_at = time.monotonic()
        try:
            slow.unlink()
            await until(lambda: _answered(replica))
            assert "database" in await until(lambda: replica.reason("database"))
            refused = await replica.post(f"/accounts/{account}/withdraw/0")
            assert refused.status_code == 503
            await until(lambda: _passed(gone_at))
        finally:
            await toy.platform.postgres.restart()
        await replica.ready()
        await until(lambda: _paid_out(toy, accounts))
        await toy.deposit(*((a, 1) for a in accounts))
        for a in accounts:
            await until(lambda a=a: toy.holds(a, PAYOUT + 1))
        assert await _paid_out(toy, accounts)
        assert await toy.fetch(_CALLS, accounts) == []
        assert await replica.metric("oms_effect_outcomes_total") == PAYOUTS
        assert await replica.metric("oms_effects_open") == 0


async def test_facts_of_a_commit_whose_answer_was_lost_are_published_all_the_same(
    toy: Toy, account: str
) -> None:
    async with Road(toy.dsn) as road, toy.replica(OMS_DATABASE_DSN=road.dsn) as replica:
        road.swallow_answer_to_commit()
        await toy.deposit((account, 5))
        await road.cut.wait()
        await until(lambda: toy.holds(account, 5))
        await until(lambda: toy.has_told(account, [(1, 5)]))
        assert replica.logged("suspended")
        await replica.ready()


async def test_a_replica_told_to_stop_while_the_database_is_away_stops(
    toy: Toy, account: str
) -> None:
    async with Road(toy.dsn) as road, toy.replica(OMS_DATABASE_DSN=road.dsn, **HASTY) as replica:
        road.block()
        await toy.deposit((account, 5))
        await until(lambda: replica.reason("database"))
        assert await replica.process.stop(DEADLINE_SECONDS) == 0
    async with toy.replica():
        await until(lambda: toy.has_told(account, [(1, 5)]))


async def _calls(toy: Toy, accounts: list[str]) -> set[str]:
    calls = {str(row["call_id"]) for row in await toy.fetch(_CALLS, accounts)}
    return calls if len(calls) == PAYOUTS else set()


async def _performed(toy: Toy, calls: set[str]) -> bool:
    """Whether the bank was called for each; once per key is what the bank itself sees to."""
    lines = (toy.data_dir / "bank.jsonl").read_text().splitlines()
    return calls <= {json.loads(line)["key"] for line in lines}


async def _answered(replica: Replica) -> bool:
    return await replica.metric("oms_effect_outcomes_total") == PAYOUTS


async def _passed(since: float) -> bool:
    return time.monotonic() - since >= AWAY_SECONDS


async def _paid_out(toy: Toy, accounts: list[str]) -> bool:
    rows = await toy.fetch("SELECT doc FROM account WHERE account = ANY($1)", accounts)
    paid = [json.loads(row["doc"]).get("paid_out") for row in rows]
    return paid == [PAYOUT] * len(accounts)
