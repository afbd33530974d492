"""Publishing, when the process goes between the broker's answer and the row's deletion."""

from toy.ground import Toy, until

DEPOSITS = 200
SLOWLY = {"OMS_RELAY_ROWS_MAX": "1"}
"""So that when the first rows are to be deleted, others are not sent yet."""


async def test_a_relay_killed_between_send_and_delete_repeats_and_neither_loses_nor_reorders(
    toy: Toy, account: str
) -> None:
    async with (
        toy.held_up("DELETE", "outbox", account) as held,
        toy.replica(**SLOWLY) as replica,
    ):
        await toy.deposit(*((account, 1) for _ in range(DEPOSITS)))
        await until(held.waiting)
        replica.process.kill()
        sent = await toy.told(account)
        assert sent
        left = await toy.fetch("SELECT sequence FROM outbox WHERE key = $1", account)
        assert {row["sequence"] for row in left} >= {sequence for sequence, _ in sent}
    async with toy.replica():
        await until(lambda: toy.has_told(account, [(n, n) for n in range(1, DEPOSITS + 1)]))
        assert len(await toy.told(account)) >= DEPOSITS + len(sent)
