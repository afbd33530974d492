"""What docs/channels.md promises to strangers is what the code does."""

import ast
import json
import re
from pathlib import Path

import pytest

from oms_contracts import answers, event, wire
from oms_contracts.catalogue import EVENTS
from oms_contracts.channel import FLAGS_MAX, CancellationRequested, OrderPlaced
from oms_contracts.gate import CONTRACTS

PAGE = (CONTRACTS.parent / "docs" / "channels.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"no {language} on the page"
    return found[1]


def test_the_order_on_the_page_is_acceptable_and_adds_up() -> None:
    (assigned,) = (node for node in ast.parse(block("python")).body if isinstance(node, ast.Assign))
    value = json.dumps(ast.literal_eval(assigned.value)).encode()
    order = wire.decode(OrderPlaced, value)
    lines_minor = sum(line.total_minor for line in order.lines)
    charges_minor = order.shipping_minor + order.shipping_tax_minor
    assert lines_minor + charges_minor == order.totals.grand_total_minor


def test_the_cancellation_on_the_page_is_acceptable() -> None:
    wire.decode(CancellationRequested, block("json").encode())


@pytest.mark.parametrize(
    "limit",
    [
        f"{wire.VALUE_MAX_BYTES:,} bytes",
        f"1 to {event.ORDER_LINES_MAX}, each",
        f"1 to {event.QTY_MAX_UNITS:,} units",
        f"0 to 10^{len(str(event.AMOUNT_MAX_MINOR)) - 1}",
        f"up to {FLAGS_MAX} `flags`",
    ],
)
def test_the_limits_on_the_page_are_those_of_the_code(limit: str) -> None:
    assert limit in PAGE


def test_the_page_speaks_of_every_answer_and_of_no_type_that_is_none() -> None:
    for name, kind in vars(answers).items():
        if isinstance(kind, type) and issubclass(kind, event.Event) and kind is not event.Event:
            assert f"`{name}`" in PAGE
    named = re.findall(r"oms\.channel\.[A-Z]\w+\.v\d+", PAGE)
    assert set(named) == {OrderPlaced.TYPE, CancellationRequested.TYPE}


def test_every_link_leads_somewhere() -> None:
    for folder in (
        CONTRACTS.parent / "docs" / page for page in ("channels.md", "adding-an-event.md")
    ):
        for target in re.findall(r"\]\((?!http)([^)#]+)", Path(folder).read_text()):
            assert (folder.parent / target).exists(), target


def test_the_event_that_the_other_page_adds_exists() -> None:
    page = (CONTRACTS.parent / "docs" / "adding-an-event.md").read_text()
    assert set(re.findall(r'TYPE: ClassVar\[str\] = "([^"]+)"', page)) <= EVENTS.keys()
