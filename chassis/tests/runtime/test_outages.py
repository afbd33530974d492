"""A process goes away in the middle of work: nothing is lost, doubled or reordered."""

from toy.ground import Toy, until

DEPOSITS = 300


async def test_a_replica_killed_under_load_loses_and_doubles_nothing(
    toy: Toy, account: str
) -> None:
    async with toy.replica() as replica:
        await toy.deposit(*((account, 1) for _ in range(DEPOSITS)))
        await until(lambda: _balance_above(toy, account, 0))
        replica.process.kill()
    async with toy.replica():
        await until(lambda: _holds(toy, account, DEPOSITS))
        told = await until(lambda: _first_told(toy, account))
    assert told == list(range(1, DEPOSITS + 1))


async def _balance_above(toy: Toy, account: str, balance: int) -> bool:
    return (await toy.balance(account) or 0) > balance


async def _holds(toy: Toy, account: str, balance: int) -> bool:
    return await toy.balance(account) == balance


async def _first_told(toy: Toy, account: str) -> list[int]:
    """Sequences in the order of their first occurrence, once the last is there."""
    told = list(dict.fromkeys(sequence for sequence, _ in await toy.told(account)))
    return told if DEPOSITS in told else []
