"""What is printed: readable for people, harmless for browsers."""

from __future__ import annotations

from builders import F1, ORDER, Warehouse, lines, part, released

from oms_contracts.channel import Address
from oms_warehouse.documents import packing_slip, pick_list
from oms_warehouse.worksheet import Worksheet, worksheet

ADDRESS = Address(name="Ada Lovelace", line1="Main St 1", city="Ghent", country="BE")


def sheet(warehouse: Warehouse, **bins: str) -> Worksheet:
    return worksheet(ORDER, warehouse.fulfilment, bins)


def test_a_pick_list_leads_along_the_bins_and_names_unknown_ones_last() -> None:
    warehouse = Warehouse()
    units = lines(("1", "MUG", 2), ("2", "TEA", 1), ("3", "CUP", 4))
    warehouse.tell(released(part(of=units), flags=("GIFT",)))
    page = pick_list(sheet(warehouse, MUG="B-02", CUP="A-01"))
    assert page.index("A-01") < page.index("B-02") < page.index("TEA")
    assert "GIFT" in page
    assert "2026-11-24 20:00 UTC" in page


def test_short_units_are_not_asked_for() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    warehouse.short("2")
    assert "TEA-1" not in pick_list(sheet(warehouse))


def test_a_packing_slip_tells_the_contents_of_every_parcel_and_whom_to_ask() -> None:
    warehouse = Warehouse().packed()
    page = packing_slip(sheet(warehouse), ADDRESS)
    for text in ("Ada Lovelace", "Main St 1", "Ghent", "BE", f"{F1}-P1", "MUG-1", "TEA-1", ORDER):
        assert text in page


def test_what_a_customer_typed_is_printed_and_never_obeyed() -> None:
    hostile = "</address><img src=x onerror=alert(1)>\u202e\x00\n'\"&"
    address = ADDRESS.model_copy(update={"name": hostile, "line1": hostile, "city": hostile})
    page = packing_slip(sheet(Warehouse().packed()), address)
    assert "<img" not in page
    assert "\u202e" not in page
    assert "\x00" not in page
    assert page.count("</address>") == 1
    assert "&lt;img src=x onerror=alert(1)&gt; &#x27;&quot;&amp;" in page
