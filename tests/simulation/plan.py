"""What a seed stands for: a shop with its rules, and a plan of everything that will happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from services import NAMES, Policies

from oms_billing.domain import Policy as BillingPolicy
from oms_inventory.domain import Policy as InventoryPolicy
from oms_inventory.domain import Source
from oms_notify.domain import Policy as NotifyPolicy
from oms_order.domain import BackorderChoice
from oms_order.domain import Policy as OrderPolicy
from oms_shipping.domain import Handover
from oms_shipping.domain import Policy as ShippingPolicy
from oms_warehouse.domain import LocationPolicy, SupplierPolicy
from oms_warehouse.domain import Policy as WarehousePolicy

HUB, FLOOR, EAST = "HUB", "FLOOR", "EAST"
COUNTRIES = ("DE", "DE", "DE", "US")
STEPS_PER_ORDER = 90

WEIGHTS = {
    "deliver": 46, "relay": 10, "perform": 12, "floor": 18, "dock": 6, "wake": 5,
    "cancel": 1, "channel": 1, "office": 3, "goods": 5, "payer": 3, "jump": 3, "again": 2,
    "late": 2, "mailroom": 1, "twice": 2, "die": 2, "rebalance": 1, "clock": 0.3, "spoil": 1,
    "mend": 2,
}  # fmt: skip
"""How often each kind of thing happens while nobody means well."""
MOODS = {
    "deliver": (1,), "relay": (1,),
    "cancel": (0, 0, 1, 4), "die": (0, 0, 1, 3), "rebalance": (0, 0, 1), "clock": (0, 0, 1),
    "spoil": (0, 0, 1, 3), "jump": (0, 1, 1, 4), "goods": (0, 1, 3), "office": (0, 1, 3),
}  # fmt: skip
"""Every seed leaves out some kinds and overdoes others: the usual mix hides what needs an unusual
one (Groce et al., Swarm Testing, 2012)."""
USUAL_MOODS = (0, 1, 1, 1, 2)
MORTAL = frozenset({"die", "rebalance"})
"""Kinds of steps by which what was committed may be published again."""

MOMENT = "moment"
"""The step that no chance brings about: see `moments`."""
SKEW_SECONDS_MAX = 240.0

TOPICS = (
    "oms.order.v1", "oms.inventory.v1", "oms.warehouse.v1", "oms.billing.v1", "oms.shipping.v1",
    "oms.notify.v1", "oms.goods.v1", "oms.stock.v1",
)  # fmt: skip
STRIKERS = ("supplier", "customer service", "approver", "receivables", "payer", "picker")
"""People who may stay away for good."""


class Step(NamedTuple):
    """Something that happens; what exactly follows from its seed and from how things stand."""

    kind: str
    seed: int
    about: str = ""
    """For a moment: the number of the order and what it is told."""


@dataclass(frozen=True)
class Setup:
    """A shop on its worst day."""

    seed: int
    policies: Policies
    skus: tuple[str, ...]
    locations: tuple[str, ...]
    plan: Sequence[Step]
    relay_lags: bool = False
    stored: bool = False
    waiters_max: int = 500
    units_max: int = 12
    """Most units of a SKU that lie at a location in the morning."""
    chaos: float = 0.3
    """Share of outside calls that go wrong on their way."""
    pace_seconds: float = 1.0
    on_strike: frozenset[str] = field(default_factory=frozenset)
    skews_seconds: Mapping[str, float] = field(default_factory=dict)
    """How far the clocks of services are ahead."""
    slow: tuple[str, ...] = ()
    """Topics whose records are hardly ever read while it is day."""
    replicas: Mapping[str, int] = field(default_factory=dict)
    """How many processes run a service: one, unless it says more."""


def setup(seed: int, orders: int = 0, steps: int | None = None, *, stored: bool = False) -> Setup:
    """The shop and the plan of a seed; of so many orders, where that is not left to the seed."""
    rng = Random(seed)
    orders = orders or rng.choice((1, 1, 2, 2, 3, 4))
    several = ("A-1", "B-2", "C-3")
    strike = rng.random() < 0.1
    return Setup(
        seed=seed,
        policies=_policies(rng),
        skus=several[: rng.randint(1, 3)],
        locations=(HUB, FLOOR, EAST)[: rng.randint(1, 3)],
        plan=_plan(rng, orders, STEPS_PER_ORDER * orders if steps is None else steps),
        relay_lags=rng.random() < 0.3,
        stored=stored,
        waiters_max=rng.choice((1, 2, 500)),
        units_max=rng.choice((0, 3, 12, 12)) * (1 + orders // 10),
        chaos=rng.choice((0.0, 0.2, 0.5)),
        pace_seconds=rng.choice((0.01, 1.0, 1.0, 30.0)),
        on_strike=frozenset(rng.sample(STRIKERS, rng.randint(1, 2))) if strike else frozenset(),
        skews_seconds=_skews(rng) if rng.random() < 0.2 else {},
        slow=tuple(rng.sample(TOPICS, rng.randint(1, 2))) if rng.random() < 0.4 else (),
        replicas={name: rng.randint(1, 3) for name in NAMES} if rng.random() < 0.3 else {},
    )


def _skews(rng: Random) -> dict[str, float]:
    return {name: rng.uniform(-SKEW_SECONDS_MAX, SKEW_SECONDS_MAX) for name in NAMES}


def quiet(seed: int, orders: int) -> Setup:
    """A day on which everything goes well: enough stock, honest parties, nobody cancels."""
    chosen = setup(seed, orders, steps=0)
    hub = LocationPolicy(HUB, auto_fulfil=True)
    policies = Policies(
        OrderPolicy(), InventoryPolicy(), WarehousePolicy(locations=(hub,)), BillingPolicy(),
        ShippingPolicy(), NotifyPolicy(),
    )  # fmt: skip
    return Setup(seed, policies, chosen.skus, (HUB,), chosen.plan, units_max=10 * orders, chaos=0.0)


def _plan(rng: Random, orders: int, steps: int) -> list[Step]:
    """Orders come in one after the other, amid everything else."""
    weights = [
        weight * rng.choice(MOODS.get(kind, USUAL_MOODS)) for kind, weight in WEIGHTS.items()
    ]
    kinds = rng.choices(tuple(WEIGHTS), weights, k=steps)
    arrivals = [0, *(rng.randrange(max(1, steps // 2)) for _ in range(orders - 1))]
    for at in sorted(arrivals, reverse=True):
        kinds.insert(at, "order")
    return [Step(kind, rng.getrandbits(48)) for kind in kinds]


def _policies(rng: Random) -> Policies:
    by_country = (Source(HUB, 1), Source(FLOOR, 2), Source(EAST, 0, ("DE",)))
    only_germany = tuple(Source(location, 1, ("DE",)) for location in (HUB, FLOOR, EAST))
    return Policies(
        order=OrderPolicy(
            inventory_answers_seconds=rng.choice((2.0, 60.0)),
            billing_answers_seconds=rng.choice((2.0, 120.0)),
            shipping_stops_seconds=rng.choice((2.0, 600.0)),
            warehouse_stops_seconds=rng.choice((5.0, 14_400.0)),
            ship_within_seconds=rng.choice((30.0, 172_800.0)),
            unwind_alarm_seconds=rng.choice((5.0, 3_600.0)),
            payer_seconds=rng.choice((60.0, 86_400.0)),
            backorder_default=rng.choice(tuple(BackorderChoice)),
            follow_up_seconds=rng.choice((0.0, 604_800.0)),
            hold_escalate_seconds=rng.choice((10.0, 28_800.0)),
            backorder_limit_seconds=rng.choice((10.0, 1_209_600.0)),
            backorder_answer_seconds=rng.choice((20.0, 259_200.0)),
            dunning_seconds=rng.choice((20.0, 604_800.0)),
        ),
        inventory=InventoryPolicy(
            sources=rng.choice(((), (), by_country, only_germany)),
            split_locations_max=rng.choice((1, 2, 10)),
            backorder_location=HUB,
            level_every_seconds=rng.choice((0.0, 1.0, 60.0)),
        ),
        warehouse=WarehousePolicy(
            locations=(LocationPolicy(HUB, auto_fulfil=rng.random() < 0.4),),
            default_supplier=SupplierPolicy(
                "default", reorder_qty=rng.choice((1, 10)), case_qty=rng.choice((1, 6))
            ),
            put_back_within_seconds=rng.choice((10.0, 14_400.0)),
        ),
        billing=BillingPolicy(
            provider_answers_within_seconds=rng.choice((2.0, 120.0)),
            unknown_retry_seconds=rng.choice((1.0, 60.0)),
            capture_retry_seconds=rng.choice(((5.0,), (300.0, 3600.0, 86_400.0))),
        ),
        shipping=ShippingPolicy(
            handover=rng.choice(tuple(Handover)),
            handover_by_location={FLOOR: Handover.MANUAL},
            void_attempts_max=rng.choice((2, 5)),
        ),
        notify=NotifyPolicy(
            attempts_max=rng.choice((2, 12)), alert_again_seconds=rng.choice((1.0, 3_600.0))
        ),
    )
