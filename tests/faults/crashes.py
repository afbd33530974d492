"""Services that die at one named step after the other, and a supervisor that starts them again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rig import Rig

from oms_chassis.crashpoints import EXIT_CODE, POINTS
from oms_platform import SERVICES

STEP_SECONDS = 60.0
"""A service that has not come to its step after this long does not come to it under this load:
what it needs comes late while all those before it are dying as well."""
LOOK_SECONDS = 0.05
ALONE = ("in_redrive", "in_revoke")
"""Steps that need something else to happen first: see the tests of their own."""
LATER = {"in_wake_up": 3, "after_call": 5, "in_redrive": 2, "in_revoke": 2}
LATER_DEFAULT = 7
NEVER = {
    ("order", "after_call"): "calls nobody outside",
    ("inventory", "after_call"): "calls nobody outside",
    ("warehouse", "after_call"): "calls nobody outside",
}
"""Steps that a service cannot come to, and why."""


class Step(NamedTuple):
    """A step of a service, and the how many-th time that it dies there."""

    service: str
    point: str
    hit: int

    def __str__(self) -> str:
        return f"{self.service} {self.point} #{self.hit}"


def steps(*points: str, services: Iterable[str] = SERVICES) -> Iterator[Step]:
    """Services by points by {first, later}, without what can never be."""
    for service in services:
        for point in points:
            if (service, point) not in NEVER:
                yield Step(service, point, 1)
                yield Step(service, point, LATER.get(point, LATER_DEFAULT))


def all_steps() -> list[Step]:
    """The whole enumeration."""
    return list(steps(*POINTS))


@dataclass
class Deaths:
    """Walks every service through its steps; a service that died is started again at once."""

    rig: Rig
    died: list[Step] = field(default_factory=list)
    missed: list[Step] = field(default_factory=list)
    recovery_seconds_max: float = 0.0
    """The longest from a death until the service was ready again."""

    async def walk(self, wanted: Iterable[Step]) -> None:
        """Have every step be died at; returns when all services are whole again."""
        plans: dict[str, list[Step]] = {}
        for step in wanted:
            plans.setdefault(step.service, []).append(step)
        async with asyncio.TaskGroup() as services:
            for name, plan in plans.items():
                services.create_task(self._walk(name, plan))

    async def _walk(self, name: str, plan: list[Step]) -> None:
        for step in plan:
            await self.arm(name, step)
            await self.dies(step)
        await self.arm(name, None)

    async def arm(self, name: str, step: Step | None) -> None:
        """Start a service anew, to die at `step` if there is one."""
        if step is None:
            self.rig.extra[name].pop("OMS_CRASH_AT", None)
        else:
            self.rig.extra[name]["OMS_CRASH_AT"] = f"{step.point}:{step.hit}"
        began = time.monotonic()
        await self.rig.services[name].stop()
        self.rig.start_process(name)
        await self._ready_or_dead(name)
        self.recovery_seconds_max = max(self.recovery_seconds_max, time.monotonic() - began)

    async def _ready_or_dead(self, name: str) -> None:
        """Armed services may die before they are ready: at their first cycle, say."""
        try:
            await self.rig.wait_ready(name)
        except Exception:
            if self.rig.services[name].exit_code != EXIT_CODE:
                raise

    async def dies(self, step: Step) -> bool:
        """Whether the service died at its step within reasonable time."""
        process = self.rig.services[step.service]
        give_up = time.monotonic() + STEP_SECONDS
        while process.running and time.monotonic() < give_up:
            await asyncio.sleep(LOOK_SECONDS)
        if process.running:
            self.missed.append(step)
            return False
        assert process.exit_code == EXIT_CODE, f"{step}: ended with {process.exit_code}"
        self.died.append(step)
        return True
