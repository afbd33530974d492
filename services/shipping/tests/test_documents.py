"""Labels print what customers typed and obey none of it."""

from xml.etree import ElementTree

import pytest
from builders import shipped
from hypothesis import given
from hypothesis import strategies as st

from oms_contracts.channel import Address
from oms_shipping.barcodes import code128_svg, code128_widths
from oms_shipping.documents import as_html, as_zpl, label, printable

HOSTILE = (
    "<script>alert(1)</script>",
    "^XZ^XA^FDowned^FS",
    "~JA",
    "\u202eevil",
    'x" onload="y',
    "_5E",
)


def made(name: str = "Ada Lovelace", line1: str = "Main St 1") -> tuple[str, str]:
    shipment = shipped().shipment
    address = Address(name=name, line1=line1, city="Bonn", postal_code="53111", country="DE")
    one = label(shipment, shipment.parcels[0], address)
    return as_html(one), as_zpl(one)


def test_a_label_shows_where_it_goes_and_which_parcel_it_is() -> None:
    for text in made():
        for shown in ("Ada Lovelace", "53111 Bonn", "T-P-1", "P-1", "1 of 1", "1.20 kg", "1001"):
            assert shown in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_printed_and_not_obeyed(hostile: str) -> None:
    calm_html, calm_zpl = made("x")
    html, zpl = made(hostile)
    assert html.count("<") == calm_html.count("<")
    assert "<script" not in html and 'onload="' not in html
    assert zpl.count("^") == calm_zpl.count("^") and zpl.count("~") == calm_zpl.count("~")
    assert "\u202e" not in html + zpl


@given(st.text())
def test_whatever_is_typed_becomes_one_line_of_seen_characters(text: str) -> None:
    line = printable(text)
    assert line.isprintable() and len(line) <= 60
    assert printable(line) == line


def test_bars_encode_the_text_with_its_check_symbol() -> None:
    widths = code128_widths("PJJ123C")
    symbols = ["".join(map(str, widths[n : n + 6])) for n in range(0, len(widths) - 7, 6)]
    assert symbols[0] == "211214", "start B"
    assert symbols[-1] == "311321", "check value 55"
    assert len(symbols) == 9 and widths[-7:] == [2, 3, 3, 1, 1, 1, 2]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
def test_every_symbol_is_eleven_modules_wide_and_the_last_thirteen(text: str) -> None:
    widths = code128_widths(text)
    assert sum(widths) == 11 * (len(text) + 2) + 13
    ElementTree.fromstring(code128_svg(text))


def test_a_barcode_of_other_text_is_refused() -> None:
    for text in ("", "ä", "a\n"):
        with pytest.raises(ValueError):
            code128_widths(text)
