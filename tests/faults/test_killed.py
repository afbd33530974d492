"""Row 2: everything dies at once, is stopped under load, is replaced one after the other."""

from rows import row, smoke
from trial import Trial

from oms_platform import SERVICES


@smoke
@row(2, "kill -9 of all services in the same moment")
async def test_all_services_are_killed_at_once(trial: Trial) -> None:
    async with trial.load() as load:
        await load.reaches(0.5)
        trial.rig.kill(*SERVICES)
        await trial.rig.start_again(*SERVICES)
    trial.witness("services killed", len(SERVICES))
    trial.witness("records absorbed as repeated", trial.counts.of("oms_repeats_total"))


@row(2, "SIGTERM under load")
async def test_all_services_are_stopped_under_load(trial: Trial) -> None:
    async with trial.load() as load:
        await load.reaches(0.5)
        for name in SERVICES:
            await trial.rig.services[name].stop()
        await trial.rig.start_again(*SERVICES)
    stopped = trial.said("stopping")
    trial.witness("services stopped in order", len(stopped))


@row(2, "rolling restart, as at a deployment")
async def test_a_rolling_restart_repeats_nothing(trial: Trial) -> None:
    async with trial.load(orders=400) as load:
        await load.reaches(0.1)
        await trial.rig.restart(*SERVICES)
        assert len(load.placed) < len(load.plan), "the load ended before the deployment"
    trial.witness("services replaced in order", len(trial.said("stopping")))
    assert trial.counts.of("oms_repeats_total") == 0, "a graceful stop left something to repeat"
