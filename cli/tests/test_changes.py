"""What changed of an order between two moments, as an operator reads it."""

import io
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from oms_cli.ops.changes import Change, Changes, changes, show_changes
from oms_cli.ops.instants import instant
from oms_cli.ops.pages import show_order

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(minute: int, name: str, *, decided: bool = True) -> dict[str, Any]:
    at = f"2026-03-01T11:{minute:02}:00Z"
    return {
        "happened_at": at, "heard_at": at, "decided_at": at if decided else None,
        "type": f"oms.{name}.v1", "actor": "", "text": name,
    }  # fmt: skip


def page(minute: int, open_: int, reserved: int, **more: Any) -> dict[str, Any]:
    line = {
        "line_id": "1", "sku": "MUG", "buckets": {"open": open_, "reserved": reserved},
        "reserved_at": {"WEST": reserved} if reserved else {}, "promise": None,
    }  # fmt: skip
    money = {
        "state": "not_asked", "currency": "EUR", "total_minor": 2_000, "asked_minor": 0,
        "authorised_minor": 0, "captured_minor": 0, "refunded_minor": 0, "invoices": [],
    } | more.pop("money", {})  # fmt: skip
    return {
        "order_id": "8bfee274-df2d-80cb-a206-1d80e188bb7e", "order_no": "HFZE-4X6Z-5P0C",
        "channel": "web", "external_id": "W-1", "status": "accepted", "stock": "reserving",
        "lines": [line], "money": money, "history": [],
        "rebuilt": {"at": f"2026-03-01T11:{minute:02}:30Z", "inputs": 1, "agrees": True,
                    "notes": []},
    } | more  # fmt: skip


BEFORE = page(0, 2, 0, holds=[{"hold_id": "h-1", "type": "costs", "gate": "pay", "reason": "dear"}])
AFTER = page(
    5, 0, 2, status="awaiting_payment", money={"state": "asked", "asked_minor": 2_000},
    tasks=[{"task_id": "t-1", "kind": "parcel", "text": "look for it"}],
    parcels=[{"parcel_id": "p-1", "status": "here", "carrier": "", "tracking_no": ""}],
    history=[entry(0, "Placed"), entry(3, "Reserved"), entry(4, "Parked", decided=False)],
)  # fmt: skip


def printed(found: Changes) -> str:
    out = Console(file=io.StringIO(), width=160, no_color=True)
    show_changes(found, out)
    return out.file.getvalue()


def test_every_part_of_an_order_that_changed_is_named_with_what_it_was():
    found = {(c.part, c.name): (c.before, c.after) for c in changes(BEFORE, AFTER).changed}
    assert found == {
        ("order", "status"): ("accepted", "awaiting payment"),
        ("line 1 (MUG)", "open"): ("2", ""),
        ("line 1 (MUG)", "reserved"): ("", "2"),
        ("line 1 (MUG)", "set aside"): ("", "2 at WEST"),
        ("money", "state"): ("not asked", "asked"),
        ("money", "asked"): ("0.00 EUR", "20.00 EUR"),
        ("hold h-1", "costs, before pay"): ("dear", ""),
        ("task t-1", "parcel"): ("", "look for it"),
        ("parcel p-1", "is"): ("", "here"),
    }


def test_the_inputs_that_did_it_are_those_decided_in_between():
    assert [e["text"] for e in changes(BEFORE, AFTER).inputs] == ["Reserved"]
    assert [e["text"] for e in changes(None, AFTER).inputs] == ["Placed", "Reserved"]


def test_changes_are_read_in_a_terminal_and_as_json():
    text = printed(changes(BEFORE, AFTER))
    assert "accepted" in text and "awaiting payment" in text and "Reserved" in text
    assert printed(changes(AFTER, AFTER)).startswith("nothing changed")
    assert asdict(changes(BEFORE, AFTER))["changed"][0] == asdict(
        Change("order", "status", "accepted", "awaiting payment")
    )


def test_a_page_of_the_past_says_so_and_what_may_be_otherwise():
    view = {"at": "2026-03-01T11:00:30Z", "inputs": 3, "agrees": False, "notes": ["doc differs"]}
    out = Console(file=io.StringIO(), width=160, no_color=True)
    show_order({k: v for k, v in BEFORE.items() if k in _SHOWN} | {"rebuilt": view}, out)
    text = out.file.getvalue()
    assert "as it was at 2026-03-01 11:00:30, by the 3 inputs" in text and "doc differs" in text


_SHOWN: Mapping[str, None] = dict.fromkeys(
    ("order_id", "order_no", "channel", "external_id", "status", "history")
)


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90s", timedelta(seconds=90)), ("5m", timedelta(minutes=5)), ("2h", timedelta(hours=2)),
     ("1d", timedelta(days=1)), ("2026-03-01T13:00:00+01:00", timedelta()),
     ("2026-03-01T11:59:59.5Z", timedelta(seconds=0.5))],
)  # fmt: skip
def test_a_moment_is_written_out_or_so_long_ago(text: str, ago: timedelta):
    assert instant(text, NOW) == NOW - ago


@pytest.mark.parametrize("text", ["", "5", "5 minutes", "yesterday", "2026-03-01T11:00:00"])
def test_what_is_no_moment_is_turned_down(text: str):
    with pytest.raises(ValueError, match=r"neither|time zone"):
        instant(text, NOW)
