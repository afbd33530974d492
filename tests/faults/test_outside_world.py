"""Row 26: provider and carrier are silent, repeat themselves, promise less, refuse, are late."""

from rows import row
from trial import Trial

SHARES = {
    "plain": 20,
    "payment declined": 10,
    "wrong amount promised": 15,
    "capture fails": 15,
    "carrier silent at first": 15,
    "carrier refuses": 10,
    "address corrected": 15,
}
"""How many of 100 orders meet with what."""


@row(26, "an outside world that lies, refuses and is silent, while billing and shipping die")
async def test_an_outside_world_at_its_worst(trial: Trial) -> None:
    async with trial.load(shares=SHARES) as load:
        for share, name in ((0.3, "billing"), (0.5, "shipping"), (0.7, "billing")):
            await load.reaches(share)
            trial.rig.kill(name)
            await trial.rig.start_again(name)
    heard = await trial.heard()
    for fact in ("billing.PaymentDeclined", "billing.PaymentCaptureFailed"):
        trial.witness(fact.partition(".")[2], heard[f"oms.{fact}.v1"])
    trial.witness("carriers that refused", heard["oms.shipping.ShipmentFailed.v1"])
    trial.witness("calls without an answer", len(trial.said("call unanswered")))
