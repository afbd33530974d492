"""Pick lists and packing slips to print.

What customers typed is printed and never obeyed: control and direction characters are dropped,
the rest is escaped. The pages run no script and load nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from oms_contracts.channel import Address
from oms_warehouse.worksheet import ParcelView, Worksheet

_CELL_MAX_CHARS = 120
_STYLE = (
    "body{font:11pt sans-serif;margin:1.5cm}"
    "h1{font-size:18pt;margin:0}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1em}"
    "dt{font-weight:bold}dd{margin:0}"
    "table{border-collapse:collapse;width:100%;margin-top:1em}"
    "th,td{border-bottom:1pt solid #999;padding:.4em;text-align:left}"
    "td:last-child,th:last-child{text-align:right}"
    "address{font-style:normal;font-size:13pt;margin:1em 0}"
)


def pick_list(work: Worksheet) -> str:
    """What to take from which bin, in walking order, with a box to tick."""
    about = [
        ("Order", work.order_no),
        ("Fulfilment", work.fulfilment_id),
        ("Location", work.location),
        ("Leaves by", _moment(work.ship_by)),
        ("Service", work.service_level),
        ("Special", ", ".join(work.flags)),
        ("Picker", work.picker),
    ]
    rows = [
        (line.bin or "?", line.sku, line.line_id, str(line.wanted), f"{line.picked} ☐")
        for line in work.lines
        if line.wanted
    ]
    table = _table(("Bin", "SKU", "Line", "Units", "Picked"), rows)
    return _page(f"Pick list {work.fulfilment_id}", _facts(about) + table)


def packing_slip(work: Worksheet, address: Address) -> str:
    """What lies in which parcel, for the customer; `address` was opened for this.

    The order id on it is the trace id of everything that happened to the order.
    """
    about = [
        ("Order", work.order_no),
        ("Packed", _moment(work.packed_at) if work.packed_at else ""),
        ("Support reference", work.order_id),
    ]
    parcels = "".join(_parcel(parcel) for parcel in work.parcels)
    title = f"Packing slip {work.order_no}"
    return _page(title, _address(address) + _facts(about) + parcels)


def _parcel(parcel: ParcelView) -> str:
    rows = [(content.sku, content.line_id, str(content.qty)) for content in parcel.contents]
    return f"<h2>{_text(parcel.parcel_id)}</h2>" + _table(("SKU", "Line", "Units"), rows)


def _address(address: Address) -> str:
    town = f"{address.postal_code} {address.city}"
    lines = (address.name, address.line1, address.line2, town, address.region, address.country)
    shown = "".join(f"<div>{_text(line)}</div>" for line in lines if line.strip())
    return f"<address>{shown}</address>"


def _facts(about: Iterable[tuple[str, str]]) -> str:
    shown = "".join(f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in about if value)
    return f"<dl>{shown}</dl>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{_text(title)}</h1>{body}</body></html>\n"
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _text(value: str) -> str:
    """One line of text, escaped, without characters that act instead of being seen."""
    spaced = (" " if c.isspace() else c for c in value)
    seen = "".join(c for c in spaced if unicodedata.category(c)[0] != "C")
    return escape(" ".join(seen.split())[:_CELL_MAX_CHARS])
