"""Row 17: everybody wants the same article, from two replicas of inventory at once."""

from collections import Counter

import asyncpg
from rows import row
from trial import Trial

SKUS = 10
SHARES = {
    "plain": 60, "payment declined": 15, "special, cancelled in flight": 15, "picked short": 5,
    "delivered late": 5,
}  # fmt: skip
HOT_SHARE_MIN = 0.3
"""So many of all reservations are about the hottest article."""


@row(
    17,
    "ten articles, one of them in a third of all orders; two replicas of inventory and order",
)
async def test_everybody_wants_the_same(trial: Trial) -> None:
    await trial.rig.add_replica("inventory", "1")
    await trial.rig.add_replica("order", "1")
    try:
        async with trial.load(orders=240, a_second=20, shares=SHARES, skus=SKUS) as load:
            await load.reaches(0.5)
    finally:
        await trial.rig.remove_replicas()
    hottest, movements, share = await _hottest(trial)
    assert share >= HOT_SHARE_MIN, f"{hottest} is not hot: {share:.0%}"
    trial.witness("stock movements of the hottest article", movements)


async def _hottest(trial: Trial) -> tuple[str, int, float]:
    """The article with the most movements of this trial, how many, and its share of orders."""
    db = await asyncpg.connect(trial.rig.system.check_dsns["inventory"])
    try:
        rows = await db.fetch(
            "SELECT sku, order_id FROM movement WHERE booked_at >= $1::text::timestamptz "
            "AND order_id <> ''",
            trial.began,
        )
    finally:
        await db.close()
    orders = Counter(sku for sku, _ in {(row["sku"], row["order_id"]) for row in rows})
    [(sku, wanted)] = orders.most_common(1)
    everyone = len({row["order_id"] for row in rows})
    return sku, sum(row["sku"] == sku for row in rows), wanted / everyone
