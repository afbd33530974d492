"""The same work under other conditions, each by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from bench.plan import FLASH, FLASH_BUYERS, Plan, Spread, Stage

STORED = (10_000, 100_000, 1_000_000)
KILLED = "order"
"""The hub: nothing goes on without it."""
KILL_LOAD = 0.7
"""Of the rate given, which should be the highest that is sustained."""


def _http(service_ms: float) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, service_ms=service_ms)


def _set(**settings: str) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, settings={**plan.settings, **settings})


def _replicas(count: int) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, replicas={KILLED: count})


def _flash(plan: Plan) -> Plan:
    """All buyers at the rate given; there is no warm-up, for nothing would be left of it."""
    rate = plan.stages[0].rate
    return replace(plan, work=FLASH, stages=(Stage(rate, FLASH_BUYERS / rate, 0.0),))


def _uniform(plan: Plan) -> Plan:
    return replace(plan, work=replace(plan.work, spread=Spread.UNIFORM))


def grow(plan: Plan, sizes: Sequence[int] = STORED) -> Plan:
    """A first stage makes the orders that are copied; the others are to be compared."""
    first = plan.stages[0]
    return replace(plan, stages=(first, *(replace(first, stored_orders=n) for n in sizes)))


def _recovery(plan: Plan) -> Plan:
    killed = tuple(replace(s, rate=s.rate * KILL_LOAD, kill=KILLED) for s in plan.stages)
    return replace(plan, stages=killed)


VARIANTS: dict[str, Callable[[Plan], Plan]] = {
    "http-0": _http(0.0),
    "http-50": _http(50.0),
    "spans": _set(OMS_TRACE_RATIO="1"),
    "uniform": _uniform,
    "flash": _flash,
    "replicas-2": _replicas(2),
    "replicas-4": _replicas(4),
    "growth": grow,
    "recovery": _recovery,
    "flush": lambda plan: replace(plan, flush_each=True),
}


def vary(plan: Plan, name: str) -> Plan:
    """The plan under a condition; raises KeyError for one that nobody knows."""
    return replace(VARIANTS[name](plan), name=name)
