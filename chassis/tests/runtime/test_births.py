"""Two replicas meet an aggregate that does not exist yet."""

import asyncio

from toy.ground import Toy, until


async def test_a_root_that_two_replicas_give_birth_to_at_once_is_born_once(
    toy: Toy, account: str
) -> None:
    async with (
        toy.held_up("INSERT", "account", account) as held,
        toy.replica(f"{account}-one") as one,
        toy.replica(f"{account}-other") as other,
    ):
        clashes = _clashes(toy)
        await toy.deposit((account, 5))
        await until(held.waiting)
        commands = asyncio.gather(
            *(replica.post(f"/accounts/{account}/withdraw/0") for replica in (one, other))
        )
        await until(lambda: held.waiting(sessions=2))
        await held.release()
        assert [answer.status_code for answer in await commands] == [200, 200]
        await until(lambda: toy.holds(account, 5))
        told = await until(lambda: _three_facts(toy, account))
        assert [sequence for sequence, _ in told] == [1, 2, 3]
        assert told[-1] == (3, 5)
        assert _clashes(toy) > clashes


async def _three_facts(toy: Toy, account: str) -> list[tuple[int, int]]:
    told = await toy.first_told(account)
    return told if len(told) == 3 else []


def _clashes(toy: Toy) -> int:
    log = toy.run_dir / "logs" / "postgres.log"
    return log.read_text().count('unique constraint "account_pkey"')
