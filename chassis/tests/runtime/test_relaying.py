"""Publishing, when the process goes between the broker's answer and the row's deletion."""

from toy.ground import Toy, until

from oms_chassis.outbox import unpack

DEPOSITS = 200
SLOWLY = {"OMS_RELAY_ROWS_MAX": "1"}
"""So that when the first rows are to be deleted, others are not sent yet."""


async def test_a_relay_killed_between_send_and_delete_repeats_and_neither_loses_nor_reorders(
    toy: Toy, account: str
) -> None:
    async with toy.replica(**SLOWLY) as replica:
        await until(lambda: _nothing_is_outgoing(toy))
        async with toy.held_up("DELETE", "outbox", account) as held:
            await toy.deposit(*((account, 1) for _ in range(DEPOSITS)))
            await until(held.waiting)
            replica.process.kill()
            sent = await toy.told(account)
            assert sent
            rows = await toy.fetch("SELECT body FROM outbox")
            left = {f.sequence for row in rows for f in unpack(row["body"]) if f.key == account}
            assert left >= {sequence for sequence, _ in sent}
    async with toy.replica():
        await until(lambda: toy.has_told(account, [(n, n) for n in range(1, DEPOSITS + 1)]))
        assert len(await toy.told(account)) >= DEPOSITS + len(sent)


async def test_a_relay_that_is_told_to_stop_neither_repeats_nor_reorders(
    toy: Toy, account: str
) -> None:
    async with toy.replica(**SLOWLY) as replica:
        await toy.deposit(*((account, 1) for _ in range(DEPOSITS)))
        await until(lambda: toy.told(account))
        await replica.process.stop()
    async with toy.replica():
        everything = [(n, n) for n in range(1, DEPOSITS + 1)]
        await until(lambda: toy.has_told(account, everything))
        assert await toy.told(account) == everything


async def _nothing_is_outgoing(toy: Toy) -> bool:
    return await toy.fetch("SELECT FROM outbox") == []
