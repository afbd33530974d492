"""What customers type is kept as they typed it, and obeyed nowhere it is shown."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from floor import Floor
from merchant import FLOOR, Known, Merchant
from ordering import line, placed, unique, until

from oms_contracts.channel import Address, Contact, OrderPlaced

PAYLOADS = {
    "SQL": "'; DROP TABLE orders; --",
    "template": "{{7*7}} ${7*7} {0.__class__} $name",
    "HTML": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror='alert(1)'>",
    "formula =": '=HYPERLINK("//evil.example")',
    "formula @": "@SUM(1+1)*cmd|' /C calc'!A0",
    "encoded header": "=?utf-8?q?A=0d=0aBcc:_eve=40evil.example?=",
    "path": "../../../../etc/passwd",
    "bidi": "\u202egnp.exe\u2066 \u200b\ufeff",
    "label": "^XZ^XA^FDfree^FS~DG",
    "JSON": '","status":"completed","x":"',
    "emoji": "👩‍👩‍👧‍👦 Zoë Łukasz 李",
}
EVER = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
HARMLESS = frozenset(
    ("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "br", "hr", "div",
     "span", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "ul", "ol",
     "li", "figure", "figcaption", "a", "b", "strong", "em", "small", "address", "section",
     "header", "footer", "main", "svg", "g", "rect", "text", "path", "line")
)  # fmt: skip
MAIL_HEADERS = {
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
    "Content-Type", "Content-Transfer-Encoding", "Return-Path", "Received",
}  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_a_text_is_stored_as_it_is_and_inert_wherever_it_is_shown(
    merchant: Merchant, floor: Floor, payload: str
) -> None:
    said = PAYLOADS[payload]
    known, order = await _completed(merchant, floor, said)
    page = await merchant.order(known)
    _is_stored_verbatim(page, order)
    for text in await _pages(merchant, page):
        assert _acting(text) == []
    labels = await _labels(merchant, page)
    assert all(label.count("^XA") == label.count("^XZ") == 1 for label in labels)
    await _mails_are_inert(merchant, page["order_no"])
    await _ledger_is_a_table(merchant)
    _logs_are_lines(merchant, said)


async def _completed(merchant: Merchant, floor: Floor, said: str) -> tuple[Known, OrderPlaced]:
    """An order with `said` in every text it has, picked, packed and on its way."""
    sku = unique("TEXT")
    await merchant.receive(sku, 1, FLOOR)
    address = Address(
        name=said, line1=said, line2=said, city=said, region=said, postal_code=said[:20],
        country="DE",
    )  # fmt: skip
    contact = Contact(name=said, email="ada@customers.example", phone=said, customer_ref=said)
    lines = [line(sku).model_copy(update={"title": said})]
    order = placed(
        *lines, contact=contact, ship_to=address, bill_to=address, note=said, flags=("GIFT",)
    )
    known = await merchant.place(order)
    await floor.picks_and_packs(known)
    await merchant.reaches(known, "completed")
    return known, order


def _is_stored_verbatim(page: Any, order: OrderPlaced) -> None:
    personal = page["personal"]
    assert personal["contact"] == order.contact.model_dump(mode="json")
    assert personal["ship_to"] == order.ship_to.model_dump(mode="json")
    assert personal["note"] == order.note
    assert page["lines"][0]["title"] == order.lines[0].title


async def _pages(merchant: Merchant, page: Any) -> list[str]:
    """Everything that is printed or shown of an order."""
    [fulfilment] = page["fulfilments"]
    [parcel] = page["parcels"]
    [invoice] = page["money"]["invoices"]
    paths = {
        "order": [f"/orders/{page['order_id']}.html"],
        "warehouse": [
            f"/fulfilments/{fulfilment['fulfilment_id']}/{sheet}"
            for sheet in ("pick-list", "packing-slip")
        ],
        "shipping": [f"/labels/{parcel['parcel_id']}"],
        "billing": [f"/invoices/{invoice['invoice_no']}.html"],
    }
    texts = []
    for service, of in paths.items():
        for path in of:
            answer = await merchant.client(service).get(path)
            assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            texts.append(answer.text)
    return texts


async def _labels(merchant: Merchant, page: Any) -> list[str]:
    """For label printers."""
    [parcel] = page["parcels"]
    answer = await merchant.client("shipping").get(f"/labels/{parcel['parcel_id']}?format=zpl")
    assert answer.is_success and "zpl" in answer.headers["content-type"]
    return [answer.text]


class _Reader(HTMLParser):
    """Collects what a browser would do something about."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in HARMLESS:
            self.acting.append(f"<{tag}>")
        for name, value in attrs:
            remote = name in ("src", "href", "action") and not str(value).startswith("https://")
            if name.startswith("on") or remote:
                self.acting.append(f"{name}={value}")

    def handle_data(self, data: str) -> None:
        self.acting += [repr(c) for c in data if unicodedata.category(c) == "Cf"]


def _acting(text: str) -> list[str]:
    reader = _Reader()
    reader.feed(text)
    return reader.acting


async def _mails_are_inert(merchant: Merchant, order_no: str) -> None:
    """One reader, no header of somebody else's, and text that does nothing."""
    folder = Path(merchant.system.data_dir) / "mails"

    async def written() -> list[Path]:
        return [mail.path for mail in merchant.mails(order_no, "ada@customers.example")]

    for path in await until(written):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert set(mail.keys()) <= MAIL_HEADERS
        assert [a.addr_spec for a in mail["To"].addresses] == ["ada@customers.example"]
        html = mail.get_body(("html",))  # type: ignore[attr-defined]
        assert html is None or _acting(html.get_content()) == []
    assert not (folder.parent / "etc").exists()


async def _ledger_is_a_table(merchant: Merchant) -> None:
    """Every row has its cells, and none is a formula."""
    answer = await merchant.client("billing").get("/ledger/journals.csv", params=EVER)
    assert answer.is_success
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert rows and {len(row) for row in rows} == {len(head)}
    assert not [cell for row in rows for cell in row if re.match(r"[=+\-@\t\r\0]", cell)]


def _logs_are_lines(merchant: Merchant, said: str) -> None:
    """No line of a log was forged, and none tells what a customer typed."""
    for log in (merchant.stack.run_dir / "logs").glob("*.log"):
        if log.name.startswith(
            ("order", "inventory", "warehouse", "billing", "shipping", "notify")
        ):
            for text in log.read_text().splitlines():
                assert isinstance(json.loads(text), dict)
                assert said not in text
