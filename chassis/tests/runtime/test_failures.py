"""What cannot be decided, saved or read: parked with its key or buried, and nobody else waits."""

from toy.ground import Toy, until
from toy.service import UNDECIDABLE, UNSAVABLE


async def test_one_of_500_that_cannot_be_decided_parks_its_key_alone(
    toy: Toy, account: str
) -> None:
    others = [f"{account}-{n}" for n in range(498)]
    await toy.deposit((account, UNDECIDABLE), *((o, 1) for o in others), (account, 4))
    async with toy.replica() as replica:
        await until(lambda: _all_hold(toy, others, 1))
        parked = await until(lambda: _parked(toy, account, 2))
        assert [p["reason"].split(":")[0] for p in parked] == [
            "ValueError",
            "waits behind an input that is parked",
        ]
        assert await toy.balance(account) is None
        edited = await replica.post(f"/parked/{parked[0]['position']}/edit", {"amount": 5})
        assert edited.status_code == 200
        await until(lambda: _holds(toy, account, 9))
        assert await _parked(toy, account) == []
        await until(lambda: _told(toy, account, [(1, 5), (2, 9)]))


async def test_one_of_500_that_cannot_be_saved_is_found_by_halving_and_parked(
    toy: Toy, account: str
) -> None:
    others = [f"{account}-{n}" for n in range(499)]
    await toy.deposit(
        *((o, 1) for o in others[:250]), (account, UNSAVABLE), *((o, 1) for o in others[250:])
    )
    async with toy.replica() as replica:
        await until(lambda: _all_hold(toy, others, 1))
        [parked] = await until(lambda: _parked(toy, account))
        assert "CheckViolation" in parked["reason"]
        assert (await replica.post(f"/parked/{parked['position']}/skip")).status_code == 200
        await toy.deposit((account, 8))
        await until(lambda: _holds(toy, account, 8))


async def test_a_known_fact_with_an_impossible_value_parks_its_key(toy: Toy, account: str) -> None:
    await toy.deposit((account, 1), raw=b'{"amount": "much"}')
    async with toy.replica() as replica:
        [parked] = await until(lambda: _parked(toy, account))
        assert "amount" in parked["reason"]
        refused = await replica.post(f"/accounts/{account}/withdraw/1")
        assert refused.status_code == 409
        assert refused.json()["code"] == "parked"
        shown = await replica.get(f"/parked/{parked['position']}")
        assert shown.json()["body"] == '{"amount": "much"}'


async def _told(toy: Toy, account: str, facts: list[tuple[int, int]]) -> bool:
    return await toy.told(account) == facts


async def _holds(toy: Toy, account: str, balance: int) -> bool:
    return await toy.balance(account) == balance


async def _all_hold(toy: Toy, accounts: list[str], balance: int) -> bool:
    rows = await toy.fetch("SELECT balance FROM account WHERE account = ANY($1)", accounts)
    return [row["balance"] for row in rows] == [balance] * len(accounts)


async def _parked(toy: Toy, account: str, count: int = 1) -> list[dict[str, object]]:
    rows = await toy.fetch("SELECT * FROM parked WHERE key = $1 ORDER BY position", account)
    return [dict(row) for row in rows] if len(rows) >= count else []
