"""Mails show what happened, and obey nothing that anybody typed."""

from html.parser import HTMLParser
from typing import Any

import pytest
from builders import (
    Story,
    accepted,
    cancellation_refused,
    cancelled,
    completed,
    delayed,
    held,
    invoiced,
    known,
    shipped,
    shortage,
)
from hypothesis import given
from hypothesis import strategies as st

from oms_notify.documents import Rendered, money, render, visible
from oms_notify.domain import Template

HOSTILE = "<script>alert(1)</script> $name \u202eevil\r\nBcc: all@example.org"


class Tags(HTMLParser):
    """Remembers the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def tags(html: str) -> list[str]:
    parser = Tags()
    parser.feed(html)
    return parser.seen


def every_mail() -> dict[str, dict[str, Any]]:
    """The data of one mail of each template, as the core gives it away."""
    order, goods = Story(), Story("alerts")
    facts = (
        shipped(last=False), invoiced(), invoiced(paid=False), delayed(), cancelled(),
        cancellation_refused(), held(), completed(),
    )  # fmt: skip
    for fact in (accepted(), *facts):
        order.tell(fact)
    goods.tell(shortage())
    order.send_all()
    goods.send_all()
    return {e.body["template"]: e.body["data"] for e in (*order.effects, *goods.effects)}


MAILS = every_mail()


def test_there_is_a_mail_of_every_template_to_try() -> None:
    assert MAILS.keys() == set(Template)


@pytest.mark.parametrize("template", sorted(Template))
def test_every_template_is_filled_in_completely(template: str) -> None:
    made = render(template, MAILS[template], "Ada Lovelace")
    for text in (made.subject, made.text, made.html):
        assert "$" not in text and "Item(" not in text and "None" not in text
    assert "\n" not in made.subject and made.subject


def of(template: Template) -> Rendered:
    return render(template, MAILS[template], "Ada Lovelace")


def test_a_confirmation_greets_lists_and_totals() -> None:
    made = of(Template.ORDER_CONFIRMATION)
    assert made.subject == "We have your order 1001"
    for shown in ("Hello Ada Lovelace,", "2 \u00d7 MUG-1", "Total: 29.90 EUR"):
        assert shown in made.text and shown in made.html


def test_a_shipment_can_be_followed_and_the_rest_is_announced() -> None:
    made = of(Template.SHIPPED)
    assert "parcelpost T-1 https://track.example/T-1" in made.text
    assert '<a href="https://track.example/T-1">parcelpost T-1</a>' in made.html
    assert "Expected delivery: 26 November 2026" in made.text
    assert "follows in another parcel" in made.text
    whole = render(Template.SHIPPED, MAILS[Template.SHIPPED] | {"last": True})
    assert "another parcel" not in whole.text


def test_a_paragraph_about_nothing_is_left_out() -> None:
    data = MAILS[Template.DELAY]
    assert "Now expected: 3 December 2026" in render(Template.DELAY, data).text
    open_end = render(Template.DELAY, data | {"promise": ""}).text
    assert "Now expected" not in open_end and "do not know yet" in open_end


def test_a_template_that_asks_for_what_nobody_told_is_a_fault() -> None:
    with pytest.raises(KeyError):
        render(Template.SHIPPED, {"order_no": "1001"})


@pytest.mark.parametrize("template", sorted(Template))
def test_what_people_typed_is_shown_and_not_obeyed(template: str) -> None:
    data = {k: HOSTILE if isinstance(v, str) and k in ("reason", "instead", "sku", "location")
            else v for k, v in MAILS[template].items()}  # fmt: skip
    calm, made = render(template, MAILS[template], "Ada"), render(template, data, HOSTILE)
    assert tags(made.html) == tags(calm.html)
    assert "\u202e" not in made.html + made.text + made.subject
    assert "\n" not in made.subject and "\r" not in made.text


def test_a_link_leads_only_to_a_secure_page() -> None:
    parcel = {"carrier": "x", "tracking_no": "T", "url": "javascript:alert(1)"}
    made = render(Template.SHIPPED, MAILS[Template.SHIPPED] | {"parcels": [parcel]})
    assert "href" not in made.html


@given(st.text())
def test_whatever_is_typed_becomes_one_line_of_seen_characters(text: str) -> None:
    assert visible(text).isprintable() and visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (2_990, "EUR", "29.90 EUR"),
        (5, "USD", "0.05 USD"),
        (500, "JPY", "500 JPY"),
        (1_005, "BHD", "1.005 BHD"),
        (10**12, "EUR", "10000000000.00 EUR"),
    ],
)
def test_money_is_shown_in_the_digits_of_its_currency(
    minor: int, currency: str, shown: str
) -> None:
    assert money(minor, currency) == shown


def test_the_customer_may_have_no_name() -> None:
    assert "Hello dear customer," in render(Template.FOLLOW_UP, {"order_no": "1001"}).text
    assert known().mails == ["order_confirmation"]
