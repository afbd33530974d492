"""Online Retail rows become what a channel would say, and none vanishes."""

from __future__ import annotations

import lzma
from collections import Counter
from pathlib import Path

import pytest

from oms_cli.replay.fates import Fate, Remark
from oms_cli.replay.plan import Adjust, Cancel, Place, Plan, make_plan
from oms_cli.replay.report import RowsVanished, account
from oms_cli.replay.rows import COLUMNS, NotOnlineRetail, read_rows
from oms_contracts.channel import PaymentMethod

PUBLIC = Path(__file__).parents[3] / "shared/data/online-retail"


def plan_of(tmp_path: Path, *lines: str, invoices_max: int | None = None) -> Plan:
    """The plan for rows given as CSV text."""
    file = tmp_path / "rows.csv"
    file.write_text("\n".join((",".join(COLUMNS), *lines)) + "\n")
    return make_plan(read_rows(file), invoices_max)


def row(
    invoice: str, code: str = "85123A", qty: int = 6, price: str = "2.55",
    customer: str = "17850", country: str = "United Kingdom", at: str = "2010-12-01 08:26:00",
) -> str:  # fmt: skip
    return f"{invoice},{code},WHITE HANGING HEART,{qty},{at},{price},{customer},{country}"


def test_rows_of_one_invoice_are_one_order(tmp_path: Path):
    plan = plan_of(
        tmp_path, row("1"), row("1", "71053", 2, "3.39", at="2010-12-01 08:27:00"), row("2")
    )
    first, second = plan.orders()
    assert first.channel == "wholesale" and first.order.payment.method is PaymentMethod.TERMS
    assert [(x.sku, x.qty, x.unit_price_minor) for x in first.order.lines] == [
        ("85123A", 6, 255), ("71053", 2, 339),
    ]  # fmt: skip
    assert first.order.totals.grand_total_minor == 6 * 255 + 2 * 339
    assert first.order.placed_at.isoformat() == "2010-12-01T08:26:00+00:00"
    assert second.order.external_id == "2"


def test_an_invoice_whose_rows_stand_apart_is_still_one_order(tmp_path: Path):
    plan = plan_of(tmp_path, row("1"), row("2"), row("1", "71053"))
    assert [len(place.order.lines) for place in plan.orders()] == [2, 1]


def test_guests_order_in_the_web_shop_and_have_paid(tmp_path: Path):
    [place] = plan_of(tmp_path, row("1", customer="")).orders()
    assert place.channel == "web" and place.order.payment.method is PaymentMethod.PREPAID
    assert place.order.contact.customer_ref == ""


def test_postage_is_the_orders_shipping_charge_and_other_charges_are_accountings(tmp_path: Path):
    plan = plan_of(
        tmp_path, row("1"), row("1", "POST", 2, "18.00"), row("1", "M", 1, "1.25"),
        row("1", "gift_0001_20", 1, "20"), row("2", "DOT", 1, "4.00"),
    )  # fmt: skip
    [place] = plan.orders()
    assert place.order.shipping_minor == 3600
    assert Counter(plan.fates.values()) == {
        Fate.ORDER_LINE: 1, Fate.SHIPPING: 1, Fate.CHARGE: 2, Fate.VOUCHER: 1,
    }  # fmt: skip


def test_a_cancellation_takes_units_from_the_customers_latest_order(tmp_path: Path):
    plan = plan_of(tmp_path, row("1", qty=4), row("2", qty=3), row("C3", qty=-5))
    wishes = [step for step in plan.steps if isinstance(step, Cancel)]
    assert [(w.wish.external_id, w.wish.lines[0].qty) for w in wishes] == [("2", 3), ("1", 2)]
    assert plan.fates[3] is Fate.CANCELLATION


def test_nobody_cancels_more_than_was_ordered_or_what_never_was(tmp_path: Path):
    plan = plan_of(
        tmp_path, row("1", qty=4), row("C2", qty=-9), row("C3", qty=-1),
        row("C4", price="9.99", qty=-1), row("5", customer=""), row("C6", customer="", qty=-1),
        row("C7", "D", -1, "27.50"),
    )  # fmt: skip
    fates = [plan.fates[n] for n in range(2, 8) if n != 5]
    assert fates == [
        Fate.CANCELLATION_IN_PART, Fate.CANCELLATION_UNKNOWN, Fate.CANCELLATION_UNKNOWN,
        Fate.CANCELLATION_OF_GUEST, Fate.CHARGE,
    ]  # fmt: skip
    assert [s.wish.lines[0].qty for s in plan.steps if isinstance(s, Cancel)] == [4]


def test_rows_of_nobody_for_nothing_are_stock_adjustments(tmp_path: Path):
    plan = plan_of(
        tmp_path, row("1", qty=-10, price="0.0", customer=""),
        row("2", qty=56, price="0.0", customer=""), row("3", qty=1, price="0.0"),
    )  # fmt: skip
    adjusted = [(s.sku, s.qty) for s in plan.steps if isinstance(s, Adjust)]
    assert adjusted == [("85123A", -10), ("85123A", 56)]
    assert [plan.fates[n] for n in (1, 2, 3)] == [Fate.GONE, Fate.FOUND, Fate.FREE_LINE]
    assert plan.stock()["85123A"] == 11, "what is written off must be there before"


def test_bad_debts_are_not_orders(tmp_path: Path):
    plan = plan_of(tmp_path, row("A563185", "B", 1, "-11062.06", customer=""))
    assert plan.fates == {1: Fate.BAD_DEBT} and not plan.steps


def test_what_cannot_be_read_is_told_apart(tmp_path: Path):
    plan = plan_of(
        tmp_path, row("1").replace(",6,", ",six,"), row("2").replace("2010-12-01", "yesterday"),
        row("3", price="-2.00"), row("4", qty=2_000_000), "5", row("  "),
        row("6 not a number!"), row("7"),
    )  # fmt: skip
    assert Counter(plan.fates.values()) == {Fate.UNREADABLE: 7, Fate.ORDER_LINE: 1}


def test_codes_prices_countries_and_repetitions_are_remarked_on(tmp_path: Path):
    plan = plan_of(
        tmp_path, row("1", "85123a"), row("1", "85123A", price="0.001"),
        row("2", country="Unspecified"), row("3", country="EIRE"),
    )  # fmt: skip
    first, second, third = plan.orders()
    assert {line.sku for line in first.order.lines} == {"85123A"}
    assert first.order.lines[1].unit_price_minor == 0
    assert second.order.flags == ("CHECK",) and third.order.flags == ()
    assert (second.order.ship_to.country, third.order.ship_to.country) == ("GB", "IE")
    assert plan.remarks == {
        Remark.RENAMED: 1, Remark.ROUNDED: 1, Remark.REPEATED: 1, Remark.NOWHERE: 1,
    }  # fmt: skip


def test_an_invoice_too_long_for_one_order_becomes_several(tmp_path: Path):
    plan = plan_of(
        tmp_path, row("1", "POST", 1, "5.00"), *(row("1", f"{n:05}") for n in range(1_100))
    )
    orders = [place.order for place in plan.orders()]
    assert [(o.external_id, len(o.lines)) for o in orders] == [
        ("1-1", 500), ("1-2", 500), ("1-3", 100),
    ]  # fmt: skip
    assert [o.shipping_minor for o in orders] == [500, 0, 0]
    assert plan.remarks[Remark.SPLIT] == 1_100


def test_a_limit_counts_invoices_and_only_their_rows_are_read(tmp_path: Path):
    plan = plan_of(tmp_path, row("1"), row("1"), row("2"), row("3"), invoices_max=2)
    assert plan.rows == len(plan.fates) == 3


def test_the_account_adds_up_and_says_how_the_orders_stand(tmp_path: Path):
    plan = plan_of(tmp_path, row("1"), row("1"), row("2"), row("3"), row("C4", qty=-1))
    told = account(
        plan,
        {
            ("wholesale", "1"): {"status": "completed", "waiting_for": ""},
            ("wholesale", "2"): {"status": "authorised", "waiting_for": "approver"},
        },
    )
    assert sum(told.fates.values()) == told.rows == 5
    assert told.standing[Fate.ORDER_LINE] == {
        "completed": 2, "waits:approver": 1, "not taken yet": 1,
    }  # fmt: skip
    del plan.fates[1]
    with pytest.raises(RowsVanished):
        account(plan, {})


def test_another_kind_of_file_is_refused_by_name(tmp_path: Path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(NotOnlineRetail, match="InvoiceNo"):
        list(read_rows(tmp_path / "other.csv"))


def test_compressed_files_are_read_as_they_are(tmp_path: Path):
    with lzma.open(tmp_path / "rows.csv.xz", "wt") as file:
        file.write(",".join(COLUMNS) + "\n" + row("1") + "\n")
    assert [r.invoice for r in read_rows(tmp_path / "rows.csv.xz")] == ["1"]


def test_every_row_of_the_public_data_has_a_fate():
    files = sorted(PUBLIC.glob("*.csv*"))
    if not files:
        pytest.skip(f"the public data is not at {PUBLIC}")
    plan = make_plan(read_rows(files[0]))
    assert plan.rows == len(plan.fates) > 200_000
    lines = sum(len(step.order.lines) for step in plan.steps if isinstance(step, Place))
    fates = Counter(plan.fates.values())
    assert lines == fates[Fate.ORDER_LINE] + fates[Fate.FREE_LINE]
    assert not fates[Fate.UNREADABLE]
