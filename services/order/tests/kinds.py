"""Orders of every kind: each is one life, with whatever may befall an order on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from builders import accepted, captured, completed, deny_and_complete, packed, released, reserved
from replies import (
    at,
    backorder_filled,
    backordered,
    capture_failed,
    fulfilment_packed,
    fulfilment_short,
    fulfilment_stop_refused,
    fulfilment_stopped,
    parcel_delivered,
    parcels_shipped,
    payment_authorised,
    payment_captured,
    payment_declined,
    payment_voided,
    refund_completed,
    shipment_failed,
    shipment_stop_refused,
    shipment_stopped,
    stock_refused,
    stock_released,
    stock_reserved,
    wanted,
)
from story import CHANNEL, EXTERNAL_ID, NOW, Story, line, submission

from oms_chassis.decision import Malformed
from oms_contracts import channel, inventory, notify, shipping
from oms_contracts import order as said
from oms_contracts.channel import ShipPolicy
from oms_contracts.event import Alloc, LineQty
from oms_order.domain import (
    AnswerBackorder,
    ApproveCosts,
    BackorderChoice,
    CancellationWish,
    CancelOrder,
    PlaceHold,
    Policy,
    RejectCosts,
    ReleaseHold,
    ResolveTask,
)

DEAR = line("1", 1, 600_000)
WISH = CancellationWish(CHANNEL, EXTERNAL_ID, reason="changed my mind", digest="wish-1")
IMPATIENT = Policy(**{name: 0.0 for name in Policy.__annotations__ if name.endswith("_seconds")})
"""Whatever is awaited is overdue at once."""


def rejected() -> Story:
    """Turned down, sent again, and turned down again."""
    story = accepted(line("1"), line("1"), currency="QQQ")
    story.tell(submission(line("1"), line("1"), currency="QQQ"))
    return story


def resubmitted() -> Story:
    """Unreadable at first, then cancelled though unknown, then taken, then sent again."""
    story = Story()
    reasons = (("lines", "missing", "Field required"),)
    sent = Malformed(channel.OrderPlaced.TYPE, reasons, "digest-0", CHANNEL, EXTERNAL_ID)
    story.tell(sent)
    story.tell(WISH)
    story.tell(submission())
    story.tell(submission())
    story.tell(stock_reserved(story))
    return story


def amended() -> Story:
    """Sent again with other content: a person looks, and it goes on as it was."""
    story = reserved()
    story.tell(submission(line("1", 9), digest="digest-2"))
    story.tell(payment_authorised(story))
    story.tell(ReleaseHold(story.order.body.holds[0].hold_id, "a slip"), actor="ann")
    return story


def declined() -> Story:
    """The payer has no money: everything is taken back."""
    story = reserved()
    story.tell(payment_declined(story))
    story.tell(stock_released(story))
    return story


def never_paid() -> Story:
    """The payer might have tried again and did not; when it was over, the money came."""
    story = reserved()
    until = story.now + timedelta(hours=2)
    story.tell(payment_declined(story, final=False, retry_until=until))
    story.wake()
    story.tell(payment_authorised(story))
    story.tell(payment_voided(story))
    story.tell(stock_released(story))
    return story


def out_of_stock() -> Story:
    """Nobody may wait, and there is nothing."""
    story = accepted(line("1", 2), **deny_and_complete())
    story.tell(stock_refused(story))
    return story


def part_backordered(policy: Policy | None = None) -> Story:
    """Of two lines one is there and one waits."""
    story = accepted(line("1", 2), line("2", 1), policy=policy)
    here, away = wanted(story)
    eta = NOW + timedelta(days=3)
    story.tell(stock_reserved(story, [at("WEST", here)], [backordered(away, eta=eta)]))
    return story


def backordered_and_filled() -> Story:
    """What is there goes out; the rest is promised, comes, and follows."""
    story = part_backordered()
    story.tell(payment_authorised(story))
    story.tell(
        inventory.BackorderPromised(
            request_id=story.last(said.OrderAccepted).request_id,
            lines=(LineQty(line_id="2", sku="SKU-2", qty=1),),
            eta=NOW + timedelta(days=9),
            po_line="PO-1-1",
        )
    )
    story.tell(backorder_filled(story, at("EAST", wanted(story)[1])))
    for release in story.all(said.OrderReleased):
        story.tell(fulfilment_packed(release.fulfilments[0]))
    return story


def backorder_given_up() -> Story:
    """The customer is asked whether to wait on, and does not want to."""
    story = part_backordered()
    story.tell(payment_authorised(story))
    while story.order.body.customer_asked_at is None:
        story.wake()
    story.tell(AnswerBackorder(BackorderChoice.CANCEL), actor="ann")
    story.tell(stock_released(story))
    return story


def split() -> Story:
    """Units lie in two places and go in two parcels; one arrives."""
    story = accepted(line("1", 2), line("2", 1), ship_policy=ShipPolicy.SPLIT)
    first, second = wanted(story)
    story.tell(stock_reserved(story, [at("WEST", first), at("EAST", second)]))
    story.tell(payment_authorised(story))
    for fulfilment in story.last(said.OrderReleased).fulfilments:
        story.tell(fulfilment_packed(fulfilment))
    for asked in story.all(said.ShipmentRequested):
        story.tell(parcels_shipped(asked, story.now))
    gone = story.all(said.OrderShipped)[0]
    story.tell(payment_captured(story, gone, 2_400))
    story.tell(parcel_delivered(gone, gone.parcels[0], story.now))
    return story


def cancelled_early() -> Story:
    """Before inventory has answered; the same wish again."""
    story = accepted()
    story.tell(WISH)
    story.tell(stock_reserved(story))
    story.tell(stock_released(story))
    story.tell(WISH)
    return story


def cancelled_after_packing() -> Story:
    """The parcels wait for the carrier: they are kept, put back, and everything is undone."""
    story = packed()
    story.tell(CancelOrder(reason="too late for the party"), actor="ann")
    story.tell(shipment_stopped(story))
    story.tell(fulfilment_stopped(story))
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    return story


def cancelled_too_late() -> Story:
    """Warehouse, then carrier would not stop: the order goes on, to its end."""
    story = released()
    fulfilment = story.last(said.OrderReleased).fulfilments[0]
    story.tell(WISH)
    story.tell(fulfilment_stop_refused(story))
    story.tell(fulfilment_packed(fulfilment))
    asked = story.last(said.ShipmentRequested)
    story.tell(CancelOrder(), actor="ann")
    story.tell(shipment_stop_refused(story))
    story.tell(parcels_shipped(asked, story.now))
    return story


def part_cancelled() -> Story:
    """Some units are no longer wanted; then some more, of which there are not enough."""
    story = accepted(line("1", 3), line("2", 1))
    story.tell(CancelOrder((("1", 1),), "one is enough"), actor="ann")
    story.tell(stock_reserved(story))
    story.tell(stock_released(story))
    story.tell(CancelOrder((("1", 9),)), actor="ann")
    story.tell(payment_authorised(story))
    return story


def refunded() -> Story:
    """Money was taken for what never left: it goes back."""
    story = reserved()
    story.tell(CancelOrder(), actor="ann")
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    gone = packed()
    shipped = gone.last(said.ShipmentRequested)
    gone.tell(parcels_shipped(shipped, gone.now))
    story.tell(payment_captured(story, gone.last(said.OrderShipped), 777))
    story.tell(refund_completed(story))
    return story


def held() -> Story:
    """Flagged by its channel and held by a person; released with a better address."""
    story = released(flags=("VIP",))
    story.tell(PlaceHold(said.Gate.SHIP, "look"), actor="ann")
    story.tell(ReleaseHold("no-such-hold"), actor="ann")
    for hold in story.order.body.holds:
        better = ReleaseHold(hold.hold_id, "fine", "better sealed", "DE")
        story.tell(better, actor="ben")
    return story


def costs_approved() -> Story:
    """Dear, and worth it."""
    story = reserved(DEAR)
    story.tell(payment_authorised(story))
    story.tell(ApproveCosts("worth it"), actor="fin")
    return story


def costs_rejected() -> Story:
    """Dear, and not worth it."""
    story = reserved(DEAR)
    story.tell(payment_authorised(story))
    story.tell(RejectCosts("too dear"), actor="fin")
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    return story


def short_pick() -> Story:
    """Some units were not on the shelf; others are found elsewhere."""
    story = released(line("1", 2), line("2", 1))
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(fulfilment_short(fulfilment, LineQty(line_id="1", sku="SKU-1", qty=1)))
    (asked,) = story.new(said.ReservationRequested)
    story.tell(stock_reserved(story, [at("EAST", asked.lines[0])]))
    return story


def reservation_broken() -> Story:
    """A count found fewer units than the books, while they were being picked."""
    story = released(line("1", 2), line("2", 1))
    lost = Alloc(line_id="1", sku="SKU-1", location="WEST", qty=1)
    story.tell(inventory.ReservationBroken(alloc=(lost,), cause="count-7"))
    story.tell(fulfilment_stopped(story))
    return story


def address_mended() -> Story:
    """The carrier did not find the street; a person did."""
    story = packed()
    story.tell(shipment_failed(story, "address"))
    story.tell(ReleaseHold(story.order.body.holds[0].hold_id, "", "sealed", "FR"), actor="ann")
    story.tell(ReleaseHold(story.order.body.holds[0].hold_id, "", "sealed", "DE"), actor="ann")
    story.tell(parcels_shipped(story.last(said.ShipmentRequested), story.now))
    return story


def never_collected() -> Story:
    """The card failed after the goods had left: the customer is reminded, and pays."""
    story = packed()
    story.tell(parcels_shipped(story.last(said.ShipmentRequested), story.now))
    gone = story.last(said.OrderShipped)
    story.tell(capture_failed(story, gone))
    while not story.new(said.OrderInvoiced):
        story.wake()
    story.tell(payment_captured(story, gone))
    return story


def lost_on_the_way() -> Story:
    """The parcel is lost and given up; a message bounced besides."""
    story = captured()
    gone = story.last(said.OrderShipped)
    lost = shipping.ParcelStatus.LOST
    story.tell(
        shipping.ParcelException(
            shipment_id=gone.shipment_id,
            parcel_id=gone.parcels[0].parcel_id,
            status=lost,
            at=story.now,
        )
    )
    failed = notify.NotificationFailed(fact_id="f-1", template="receipt", reason="bounced")
    story.tell(failed)
    for task in story.order.body.tasks:
        story.tell(ResolveTask(task.task_id, "insured", give_up=True), actor="ann")
    return story


def everybody_silent() -> Story:
    """Each is asked again before it answers; holds and stops are raised."""
    story = accepted(policy=IMPATIENT)
    story.wake()
    story.tell(stock_reserved(story))
    story.wake()
    story.tell(PlaceHold(said.Gate.SHIP, "look"), actor="ann")
    story.tell(payment_authorised(story))
    story.wake()
    story.tell(CancelOrder(), actor="ann")
    story.wake()
    story.tell(fulfilment_stopped(story))
    story.wake()
    return story


KINDS: dict[str, Callable[[], Story]] = {
    "happy": completed,
    **{
        kind.__name__: kind
        for kind in (
            rejected, resubmitted, amended, declined, never_paid, out_of_stock,
            backordered_and_filled, backorder_given_up, split, cancelled_early,
            cancelled_after_packing, cancelled_too_late, part_cancelled, refunded, held,
            costs_approved, costs_rejected, short_pick, reservation_broken, address_mended,
            never_collected, lost_on_the_way, everybody_silent,
        )
    },
}  # fmt: skip
