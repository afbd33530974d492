"""Shipping labels to print: HTML for any printer, ZPL for label printers.

What customers typed is printed and never obeyed: control and direction characters are dropped,
the rest is escaped for the language it is put into.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from html import escape

from oms_contracts.channel import Address
from oms_shipping.barcodes import code128_svg
from oms_shipping.domain import Parcel, Shipment

_LINE_MAX_CHARS = 60


@dataclass(frozen=True, slots=True)
class Label:
    """Everything that stands on a label, as it is printed."""

    carrier: str
    service: str
    to: tuple[str, ...]
    tracking_no: str
    order_no: str
    parcel_id: str
    place: str
    weight: str
    units: str
    sender: str


def label(shipment: Shipment, parcel: Parcel, address: Address) -> Label:
    """The label of one parcel; `address` was opened for this."""
    assert shipment.rate is not None
    place = [p.parcel_id for p in shipment.parcels].index(parcel.parcel_id) + 1
    town = " ".join(filter(None, (address.postal_code, address.city)))
    lines = (address.name, address.line1, address.line2, town, address.region, address.country)
    return Label(
        carrier=printable(shipment.rate.carrier).upper(),
        service=printable(shipment.rate.service).upper(),
        to=tuple(line for line in map(printable, lines) if line),
        tracking_no=printable(parcel.tracking_no),
        order_no=printable(shipment.order_no),
        parcel_id=printable(parcel.parcel_id),
        place=f"{place} of {len(shipment.parcels)}",
        weight=f"{parcel.weight_grams / 1000:.2f} kg",
        units=f"{parcel.units} units",
        sender=printable(shipment.location),
    )


def printable(text: str) -> str:
    """One line of text without characters that act instead of being seen."""
    spaced = (" " if c.isspace() else c for c in text)
    seen = "".join(c for c in spaced if unicodedata.category(c)[0] != "C")
    return " ".join(seen.split())[:_LINE_MAX_CHARS]


def as_html(made: Label) -> str:
    """A page of 4 by 6 inches that prints itself nowhere: no script, no outside resource."""
    to = "".join(f"<div>{escape(line)}</div>" for line in made.to)
    facts = {
        "Order": made.order_no,
        "Parcel": f"{made.parcel_id} ({made.place})",
        "Weight": made.weight,
        "Content": made.units,
        "From": made.sender,
    }
    rows = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in facts.items())
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(made.tracking_no)}</title>'
        f"<style>{_STYLE}</style></head><body>"
        f"<header><b>{escape(made.carrier)}</b><span>{escape(made.service)}</span></header>"
        f"<address>{to}</address>"
        f"<figure>{code128_svg(made.tracking_no)}<figcaption>{escape(made.tracking_no)}"
        f"</figcaption></figure><table>{rows}</table></body></html>\n"
    )


_STYLE = (
    "@page{size:4in 6in;margin:0}"
    "body{width:3.6in;margin:.2in;font:12pt sans-serif}"
    "header{display:flex;justify-content:space-between;border-bottom:2pt solid;font-size:16pt}"
    "address{margin:.3in 0;font-style:normal;font-size:15pt}"
    "figure{margin:0;text-align:center;border-top:2pt solid;border-bottom:2pt solid;padding:.1in 0}"
    "svg{width:100%;height:1in}"
    "th{text-align:left;padding-right:1em}"
)


def as_zpl(made: Label) -> str:
    """ZPL II for a label of 4 by 6 inches at 203 dots per inch."""
    to = "".join(_field(60, 160 + 50 * n, 40, line) for n, line in enumerate(made.to))
    foot = f"{made.order_no}  {made.parcel_id}  {made.place}"
    return (
        "^XA^CI28^PW812^LL1218\n"
        + _field(60, 50, 60, f"{made.carrier}  {made.service}")
        + to
        + f"^FO60,560^BY2^BCN,200,Y,N,N,A^FH^FD{_hex(made.tracking_no)}^FS\n"
        + _field(60, 860, 36, foot)
        + _field(60, 920, 36, f"{made.weight}  {made.units}  {made.sender}")
        + "^XZ\n"
    )


def _field(x: int, y: int, height: int, text: str) -> str:
    return f"^FO{x},{y}^A0N,{height}^FH^FD{_hex(text)}^FS\n"


def _hex(text: str) -> str:
    """Characters that begin a command or an escape become their codes (`^FH` reads them)."""
    return "".join(f"_{ord(c):02X}" if c in "^~_\\" else c for c in text)
