"""What can befall an order, each with the end it leads to however the services interleave.

That needs care. Units that are short are of a SKU that no other order wants. Cancellations only
meet orders that cannot get away: held by a person, or on a pick list that the picker was told to
leave lying. Nothing ends by a clock but a payer's time, which nobody here ever uses: so the system
must not lag by as much, or a late decline is taken for a final one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oms_cli.generator.catalogue import Article, Home
from oms_cli.generator.malformed import draw_fault
from oms_cli.generator.planned import Deed, End
from oms_cli.generator.sketch import Sketch
from oms_contracts.channel import BackorderPolicy, PaymentMethod, ShipPolicy

PICK_SLOWLY = "PICK-SLOWLY"
"""The scanning floor begins such an order and leaves it lying until it is stopped."""
PICK_SHORT = "PICK-SHORT"
"""The scanning floor does not find one unit of such an order."""

COST_LIMIT_MINOR = 500_000
"""Above this total the order service asks a person to approve (its policy `cost_limits`)."""
DISCOUNT_LIMIT_PERCENT = 30
"""The same for the discount, in percent of the goods' price."""
SPECIAL_FLAGS = ("CHECK", "FRAUD", "VIP")
"""Orders so flagged are held for a person (its policy `special_flags`)."""

ALL = ("web", "marketplace", "store", "wholesale")
BY_KAFKA = ("web", "marketplace", "wholesale")
BY_TOKEN = ("web", "store")


@dataclass(frozen=True, slots=True)
class Case:
    """Something that happens to `share` of all orders, in the channels named."""

    name: str
    share: float
    build: Callable[[Sketch], None]
    channels: tuple[str, ...] = ALL


def _plain(s: Sketch) -> None:
    """Ordered, paid, shipped, delivered."""
    drawn = s.chance.random()
    shelf = s.catalogue.hub if drawn < 0.7 else s.catalogue.floor
    s.fill(s.catalogue.everything if drawn > 0.82 else shelf)
    if s.chance.random() < 0.3:
        s.backorder_policy = BackorderPolicy.DENY
    if s.chance.random() < 0.05:
        s.token = "tok_slow"


def _at_hub(s: Sketch) -> None:
    s.fill(s.catalogue.hub)


def _repeated(s: Sketch) -> None:
    """The channel was not sure whether it had been heard."""
    _at_hub(s)
    s.again = lambda told: told


def _free(s: Sketch) -> None:
    """A sample: zero price, zero shipping, nothing to pay."""
    article = s.catalogue.hub.draw(s.chance)
    s.add(Article(article.sku, f"{article.title}, sample", 0, Home.HUB), 1)
    s.shipping_minor = 0


def _declined(s: Sketch) -> None:
    _at_hub(s)
    _pay(s, "tok_decline")
    s.expect(End.CANCELLED, "payment_declined")


def _payer_absent(s: Sketch) -> None:
    _at_hub(s)
    _pay(s, "tok_decline_then_pay")
    s.expect(End.CANCELLED, "payment_timeout")


def _wrong_amount(s: Sketch) -> None:
    """The provider promises less than was asked: receivables look at it."""
    _at_hub(s)
    _pay(s, "tok_wrong_amount")
    s.expect(End.WAITS, "receivables")


def _capture_fails(s: Sketch) -> None:
    """Shipped and invoiced, but the money does not come."""
    _at_hub(s)
    _pay(s, "tok_capture_fails")
    s.expect(End.WAITS, "receivables")


def _pay(s: Sketch, token: str) -> None:
    s.method, s.token = PaymentMethod.TOKEN, token


def _denied(s: Sketch) -> None:
    """One unit more than there is, and no wish to wait: nothing of the order is sent."""
    s.fill(s.catalogue.hub)
    qty = s.chance.randint(1, 5)
    s.add_own(qty, HUB=qty - 1)
    s.backorder_policy = BackorderPolicy.DENY
    s.expect(End.CANCELLED, "out_of_stock")


def _backordered_in_part(s: Sketch) -> None:
    """What is there is sent; the rest waits for the supplier."""
    s.fill(s.catalogue.hub)
    s.add_own(s.chance.randint(3, 6), HUB=s.chance.randint(1, 2))
    s.ship_policy = ShipPolicy.SPLIT
    s.expect(End.WAITS, "supplier")


def _backordered_whole(s: Sketch) -> None:
    """Everything in one shipment: what is there waits for what is not."""
    s.fill(s.catalogue.hub)
    s.add_own(s.chance.randint(2, 5), HUB=1)
    s.ship_policy = ShipPolicy.COMPLETE
    s.expect(End.WAITS, "supplier")


def _backordered_wholly(s: Sketch) -> None:
    """Nothing of it is in stock: nobody is asked for money yet."""
    s.add_own(s.chance.randint(1, 4))
    s.expect(End.WAITS, "supplier")


def _delivered_late(s: Sketch) -> None:
    """The supplier delivers, and the second part follows the first."""
    s.fill(s.catalogue.hub)
    s.add_own(s.chance.randint(3, 6), HUB=1)
    s.ship_policy = s.chance.choice((ShipPolicy.SPLIT, ShipPolicy.COMPLETE))
    s.deed = Deed.DELIVER


def _picked_short(s: Sketch) -> None:
    """A unit is not on the floor's shelf; the hub sends one instead."""
    qty = s.chance.randint(2, 4)
    s.add_own(qty, FLOOR=qty, HUB=1)
    s.flags = (PICK_SHORT,)


def _cancelled_while_picking(s: Sketch) -> None:
    s.fill(s.catalogue.floor)
    s.flags = (PICK_SLOWLY,)
    s.deed = Deed.CUSTOMER_CANCELS_LATE
    s.expect(End.CANCELLED, "customer")


def _totals_released(s: Sketch) -> None:
    """The channel cannot add up; the lines are charged."""
    _at_hub(s)
    s.total_off_minor = s.chance.randint(1, 500)
    s.deed = Deed.RELEASE_HOLD


def _totals_cancelled(s: Sketch) -> None:
    _at_hub(s)
    s.total_off_minor = s.chance.randint(1, 500)
    s.deed = Deed.CANCEL
    s.expect(End.CANCELLED, "person")


def _totals_held(s: Sketch) -> None:
    _at_hub(s)
    s.total_off_minor = s.chance.randint(1, 500)
    s.expect(End.WAITS, "customer_service")


def _special(s: Sketch) -> None:
    _at_hub(s)
    s.flags = (s.chance.choice(SPECIAL_FLAGS),)


def _special_released(s: Sketch) -> None:
    _special(s)
    s.deed = Deed.RELEASE_HOLD


def _special_held(s: Sketch) -> None:
    _special(s)
    s.expect(End.WAITS, "customer_service")


def _special_cancelled(s: Sketch) -> None:
    """The customer changes their mind while the order is in flight."""
    _special(s)
    s.deed = Deed.CUSTOMER_CANCELS
    s.expect(End.CANCELLED, "customer")


def _amended(s: Sketch) -> None:
    """The same number once more with other content: a person must compare."""
    _special_held(s)

    def larger(told: dict[str, Any]) -> dict[str, Any]:
        return told | {"note": "please add one more"}

    s.again = larger


def _unread(s: Sketch) -> None:
    """A word that nobody here knows yet."""
    _at_hub(s)
    s.tamper = lambda told: told | {"service_level": "by_drone"}
    s.expect(End.WAITS, "customer_service")


def _costs(s: Sketch) -> None:
    if s.chance.random() < 0.5:
        article = s.catalogue.hub.draw(s.chance)
        s.add(article, COST_LIMIT_MINOR // article.price_minor + 1, 0)
    else:
        for _ in range(s.chance.randint(1, 3)):
            s.add(s.catalogue.hub.draw(s.chance), 2, DISCOUNT_LIMIT_PERCENT + 15)


def _costs_approved(s: Sketch) -> None:
    _costs(s)
    s.deed = Deed.APPROVE_COSTS


def _costs_rejected(s: Sketch) -> None:
    _costs(s)
    s.deed = Deed.REJECT_COSTS
    s.expect(End.CANCELLED, "costs")


def _costs_held(s: Sketch) -> None:
    _costs(s)
    s.expect(End.WAITS, "approver")


def _address_corrected(s: Sketch) -> None:
    _at_hub(s)
    s.street_mark = "#refuse"
    s.deed = Deed.CORRECT_ADDRESS


def _address_refused(s: Sketch) -> None:
    _at_hub(s)
    s.street_mark = "#refuse"
    s.expect(End.WAITS, "customer_service")


def _carrier_refused(s: Sketch) -> None:
    _at_hub(s)
    s.street_mark = "#unserved"
    s.expect(End.WAITS, "operations")


def _carrier_silent(s: Sketch) -> None:
    """Labels are bought, but nobody hears of it at first."""
    _at_hub(s)
    s.street_mark = "#silent"


def _parcel_lost(s: Sketch) -> None:
    _at_hub(s)
    s.street_mark = "#lost"
    s.expect(End.WAITS, "customer_service")


def _malformed(s: Sketch) -> None:
    """What no channel should send. Every fault is named in one answer."""
    _at_hub(s)
    s.tamper = draw_fault(s.chance)
    s.expect(End.REJECTED)


CASES = (
    Case("plain", 0.600, _plain),
    Case("repeated", 0.025, _repeated),
    Case("free sample", 0.010, _free),
    Case("payment declined", 0.040, _declined, BY_TOKEN),
    Case("payer absent", 0.015, _payer_absent, BY_TOKEN),
    Case("wrong amount promised", 0.005, _wrong_amount, BY_TOKEN),
    Case("capture fails", 0.005, _capture_fails, BY_TOKEN),
    Case("out of stock, not waiting", 0.040, _denied),
    Case("backordered in part", 0.020, _backordered_in_part),
    Case("backordered, one shipment", 0.010, _backordered_whole),
    Case("backordered wholly", 0.010, _backordered_wholly),
    Case("delivered late", 0.015, _delivered_late),
    Case("picked short", 0.010, _picked_short),
    Case("cancelled while picking", 0.010, _cancelled_while_picking, BY_KAFKA),
    Case("totals wrong, released", 0.015, _totals_released),
    Case("totals wrong, cancelled", 0.010, _totals_cancelled),
    Case("totals wrong, held", 0.010, _totals_held),
    Case("special, released", 0.020, _special_released),
    Case("special, held", 0.010, _special_held),
    Case("special, cancelled in flight", 0.025, _special_cancelled, BY_KAFKA),
    Case("amended", 0.005, _amended, BY_KAFKA),
    Case("unknown word", 0.005, _unread, BY_KAFKA),
    Case("costs approved", 0.015, _costs_approved),
    Case("costs rejected", 0.010, _costs_rejected),
    Case("costs held", 0.005, _costs_held),
    Case("address corrected", 0.010, _address_corrected),
    Case("address refused", 0.005, _address_refused),
    Case("carrier refuses", 0.005, _carrier_refused),
    Case("carrier silent at first", 0.005, _carrier_silent),
    Case("parcel lost", 0.005, _parcel_lost),
    Case("malformed", 0.025, _malformed, BY_KAFKA),
)
"""Shares add up to one."""
