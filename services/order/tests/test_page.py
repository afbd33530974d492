"""One page tells everything about an order; nothing on it is obeyed."""

from __future__ import annotations

from datetime import timedelta

from builders import completed, packed, released, reserved
from replies import shipment_stopped
from story import NOW, Story, line

from oms_contracts import order as said
from oms_order.documents import order_html
from oms_order.domain import CancelOrder, PlaceHold, Policy
from oms_order.page import HistoryEntry, Page, Personal, order_page

EVIL = "<script>alert(1)</script>\u202e\x07"


def page_of(story: Story, personal: Personal | None = None) -> Page:
    """The order's page."""
    heard = HistoryEntry(NOW, NOW, NOW, "PlaceHold", "ann", f"reason={EVIL}")
    return order_page(Policy(), story.order, [heard], personal)


def test_the_buckets_of_every_line_add_up_on_the_page() -> None:
    for story in (reserved(), released(), packed(), completed()):
        for shown in page_of(story).lines:
            assert sum(shown.buckets.values()) == shown.qty


def test_the_page_follows_goods_from_the_shelf_to_the_door() -> None:
    page = page_of(packed(line("1", 2)))
    (fulfilment,) = page.fulfilments
    assert (fulfilment.location, fulfilment.state) == ("WEST", "ship_asked")
    assert fulfilment.units == {"1": 2} and page.lines[0].buckets["packed"] == 2
    assert [p.status for p in page.parcels] == ["here"]
    (parcel,) = page_of(completed()).parcels
    assert (parcel.carrier, parcel.status) == ("DHL", "delivered")


def test_the_page_says_what_is_being_cancelled_and_what_was_undone() -> None:
    assert page_of(reserved()).cancel is None
    story = packed()
    story.tell(CancelOrder(reason="too late"), actor="ann")
    story.tell(shipment_stopped(story))
    page = page_of(story)
    assert page.cancel is not None and page.cancel.reason == "too late"
    assert page.cancel.undone == (story.last(said.ShipmentStopRequested).request_id,)
    assert page.fulfilments[0].stopping
    assert "Cancellation" in order_html(page) and "too late" in order_html(page)


def test_the_page_says_what_goes_on_with_stock() -> None:
    stories = {"settled": released(), "idle": completed(), "releasing": reserved()}
    stories["releasing"].tell(CancelOrder(), actor="ann")
    for word, story in stories.items():
        assert page_of(story).stock == word


def test_whatever_strangers_typed_is_only_shown() -> None:
    story = reserved(line("1", title=EVIL))
    story.tell(PlaceHold(said.Gate.SHIP, EVIL), actor="ann")
    personal = Personal(contact={"name": EVIL}, ship_to={"line1": EVIL}, note=EVIL)
    html = order_html(page_of(story, personal))
    assert "<script" not in html and "\u202e" not in html and "\x07" not in html
    assert html.count("&lt;script&gt;") == 6


def test_the_page_tells_since_when_and_until_when_in_one_time_zone() -> None:
    story = reserved()
    (waiting,) = page_of(story).waiting
    assert waiting.until - waiting.since == timedelta(minutes=2)
    assert f"{waiting.until:%H:%M} UTC" in order_html(page_of(story))
