"""Orders as channels place them: of every kind, honest and not."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace
from plan import COUNTRIES, Setup
from world import CHANNEL, MORNING

from oms_contracts.channel import BackorderPolicy, PaymentMethod, ServiceLevel, ShipPolicy
from oms_order.domain import OrderedLine, Submission, order_key

TOKENS = (
    *("tok_approve",) * 12, "tok_decline", "tok_decline_then_pay", "tok_silent",
    "tok_late_success", "tok_wrong_amount", "tok_expires_soon", "tok_capture_fails_once",
    "tok_capture_fails", "tok_refund_fails",
)  # fmt: skip
FATES = (*("deliver",) * 9, "attempt", "damaged", "return", "lost", "refuse", "unserved")


def id_of(external_id: str) -> str:
    """The id of the channel's order."""
    return order_key("main", CHANNEL, external_id)


def submission(setup: Setup, rng: Random, external_id: str) -> Submission:
    """An order."""
    method = rng.choice((PaymentMethod.TOKEN,) * 4 + (PaymentMethod.PREPAID, PaymentMethod.TERMS))
    odd = rng.random() < 0.05
    placed = Submission(
        channel=CHANNEL,
        external_id=external_id,
        digest=f"{external_id} as placed",
        placed_at=MORNING,
        currency="EUR",
        lines=tuple(_line(setup, rng, n) for n in range(rng.choice((1, 1, 2, 3)))),
        totals=None,  # type: ignore[arg-type]
        payment_method=PaymentMethod.UNKNOWN if odd and rng.random() < 0.3 else method,
        ship_country=rng.choice(COUNTRIES),
        contact="sealed contact" + ("#bounce" if rng.random() < 0.05 else ""),
        ship_to=f"sealed address#{rng.choice(FATES)}",
        payment_reference=_reference(rng, method),
        terms_days=rng.choice((0, 30)),
        shipping_minor=rng.choice((0, 495)),
        shipping_tax_minor=rng.choice((0, 94)),
        ship_policy=rng.choice((ShipPolicy.SPLIT, ShipPolicy.SPLIT, ShipPolicy.COMPLETE)),
        backorder_policy=rng.choice(
            (BackorderPolicy.WAIT, BackorderPolicy.WAIT, BackorderPolicy.DENY)
        ),
        service_level=rng.choice((ServiceLevel.STANDARD,) * 3 + (ServiceLevel.EXPRESS,)),
        priority=rng.choice((0, 0, 0, 5)),
        flags=("VIP",) if rng.random() < 0.1 else (),
    )
    if odd:
        placed = replace(placed, ship_policy=ShipPolicy.UNKNOWN)
    return with_sums(placed, off_by=rng.choice((0,) * 9 + (1,)))


def with_sums(placed: Submission, off_by: int = 0) -> Submission:
    """The order with its totals, wrong by so many minor units."""
    sums = placed.sums()
    told = replace(sums, grand_total_minor=sums.grand_total_minor + off_by)
    return replace(placed, totals=told)


def happy(setup: Setup, rng: Random, external_id: str) -> Submission:
    """An order that nothing speaks against."""
    return with_sums(
        replace(
            submission(setup, rng, external_id),
            lines=tuple(_line(setup, rng, n, dear=False) for n in range(rng.choice((1, 2, 3)))),
            payment_method=PaymentMethod.TOKEN,
            payment_reference="tok_approve",
            contact="sealed contact",
            ship_to="sealed address#deliver",
            ship_policy=ShipPolicy.SPLIT,
            flags=(),
        )
    )


def _line(setup: Setup, rng: Random, n: int, *, dear: bool = True) -> OrderedLine:
    qty = rng.randint(1, 4)
    price_minor = rng.choice((0, 99, 500, 1_999, 200_000)) if dear else 500
    goods_minor = qty * price_minor
    return OrderedLine(
        str(n + 1),
        rng.choice(setup.skus),
        qty,
        price_minor,
        discount_minor=goods_minor // rng.choice((7, 10)) if rng.random() < 0.2 else 0,
        tax_minor=goods_minor // 5,
    )


def _reference(rng: Random, method: PaymentMethod) -> str:
    if method is PaymentMethod.TOKEN:
        return "" if rng.random() < 0.03 else rng.choice(TOKENS)
    return rng.choice(("deposit-7", "deposit-7", "tok_refund_fails", ""))
