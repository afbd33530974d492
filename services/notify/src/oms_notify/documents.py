"""Mails from templates: one readable text file each becomes subject, text and HTML.

A template is a subject line, a blank line, and paragraphs with `$names`. A paragraph with a name
that has no value is left out; one that is a single name with a list becomes a list. What people
typed is shown and never obeyed: control and direction characters are dropped, HTML is escaped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

_MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""ISO 4217: digits after the point, where they are not two."""
_CHOICES = {
    "wait": "Wait: you need to do nothing.",
    "cancel": "Cancel: answer this mail, and we cancel what has not left yet.",
}
_REST_FOLLOWS = "The rest of your order follows in another parcel."
_NO_DATE_YET = "We do not know yet when it comes, and write again as soon as we do."


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a list, with the page it leads to."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail's content."""

    subject: str
    text: str
    html: str


Value = str | list[Item]


def render(template: str, data: Mapping[str, Any], name: str = "") -> Rendered:
    """Fill a template in. Raises KeyError if it asks for what nobody told."""
    subject, paragraphs = _template(template)
    values = _values(data) | {"name": visible(name) or "dear customer"}
    kept = [p for p in paragraphs if all(values[n] for n in p.get_identifiers())]
    plain = {n: v for n, v in values.items() if isinstance(v, str)}
    blocks = "\n".join(_as_html(p, values) for p in kept)
    html = f'<html lang="en"><body style="{_STYLE}">\n{blocks}\n</body></html>'
    return Rendered(
        subject=subject.substitute(plain),
        text="\n\n".join(_as_text(p, values) for p in kept) + "\n",
        html=f"<!doctype html>\n{html}\n",
    )


_STYLE = "font:16px/1.5 sans-serif;max-width:40em;margin:auto"


@cache
def _template(name: str) -> tuple[Template, tuple[Template, ...]]:
    text = (files("oms_notify") / "templates" / f"{name}.txt").read_text(encoding="utf-8")
    head, *paragraphs = text.strip().split("\n\n")
    return Template(head.removeprefix("Subject: ")), tuple(map(Template, paragraphs))


def _as_text(paragraph: Template, values: Mapping[str, Value]) -> str:
    alone = _alone(paragraph, values)
    if alone is None:
        return paragraph.substitute(values)
    return "\n".join(f"  - {item.text} {item.url}".rstrip() for item in alone)


def _as_html(paragraph: Template, values: Mapping[str, Value]) -> str:
    alone = _alone(paragraph, values)
    if alone is None:
        safe = {n: escape(v) for n, v in values.items() if isinstance(v, str)}
        return f"<p>{Template(escape(paragraph.template)).substitute(safe)}</p>"
    return f"<ul>{''.join(f'<li>{_link(item)}</li>' for item in alone)}</ul>"


def _link(item: Item) -> str:
    if not item.url.startswith("https://"):
        return escape(f"{item.text} {item.url}".rstrip())
    return f'<a href="{escape(item.url)}">{escape(item.text)}</a>'


def _alone(paragraph: Template, values: Mapping[str, Value]) -> list[Item] | None:
    value = values.get(paragraph.template.removeprefix("$"))
    return value if isinstance(value, list) else None


def _values(data: Mapping[str, Any]) -> dict[str, Value]:
    values: dict[str, Value] = {
        key: _FORMATS[key](told) if key in _FORMATS else visible(str(told))
        for key, told in data.items()
    }
    for name in ("amount", "tax"):
        if f"{name}_minor" in data:
            values[name] = money(data[f"{name}_minor"], data["currency"])
    values["rest"] = "" if data.get("last", True) else _REST_FOLLOWS
    values["unknown"] = "" if data.get("promise") else _NO_DATE_YET
    return values


def visible(text: str) -> str:
    """One line of text without characters that act instead of being seen."""
    spaced = (" " if c.isspace() else c for c in text)
    seen = "".join(c for c in spaced if unicodedata.category(c)[0] != "C")
    return " ".join(seen.split())


def money(minor: int, currency: str) -> str:
    """An amount in its currency, without going through a float: `29.90 EUR`."""
    digits = _MINOR_DIGITS.get(currency, 2)
    if digits == 0:
        return f"{minor} {currency}"
    whole, part = divmod(minor, 10**digits)
    return f"{whole}.{part:0{digits}} {currency}"


def _day(told: str) -> str:
    if not told:
        return ""
    at = datetime.fromisoformat(told)
    return f"{at.day} {at:%B %Y}"


def _lines(told: Iterable[Mapping[str, Any]]) -> list[Item]:
    return [Item(f"{line['qty']} \u00d7 {visible(line['sku'])}") for line in told]


def _parcels(told: Iterable[Mapping[str, Any]]) -> list[Item]:
    return [Item(visible(f"{p['carrier']} {p['tracking_no']}"), visible(p["url"])) for p in told]


def _choices(told: Iterable[str]) -> list[Item]:
    return [Item(_CHOICES.get(choice, visible(choice))) for choice in told]


def _texts(told: Iterable[str]) -> list[Item]:
    return [Item(visible(text)) for text in told]


def _positive(told: int) -> str:
    return str(told) if told else ""


_FORMATS: Mapping[str, Callable[[Any], Value]] = {
    "lines": _lines,
    "parcels": _parcels,
    "choices": _choices,
    "undone": _texts,
    "inputs": _texts,
    "eta": _day,
    "promise": _day,
    "earlier_promise": _day,
    "oldest_accepted_at": _day,
    "reorder_qty": _positive,
}
"""How a key is shown; all others as they are."""
