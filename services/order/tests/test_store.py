"""What the order service remembers survives: the real cycle on a real PostgreSQL."""

from __future__ import annotations

import pytest
from builders import completed, reserved
from replies import fulfilment_short, payment_authorised
from running import Running
from story import A_REQUEST, EXTERNAL_ID, NOW, ORDER_ID, line, placed

from oms_chassis.migrate import drift
from oms_contracts.channel import CancellationRequested, Payment, PaymentMethod
from oms_contracts.event import Alloc, LineQty
from oms_contracts.inventory import StockReserved
from oms_contracts.order import Gate, OrderReleased
from oms_order import tables
from oms_order.codecs import fixed_values, moving_values, read
from oms_order.domain import CancelOrder, Line, NoOrder, Order, PlaceHold, Status, order_no
from oms_order.views import history

ORDERS, ANSWERS = "oms.order.v1", "oms.channel.webshop.answers.v1"


def as_row(state: Order | NoOrder) -> dict[str, object]:
    """The columns that a state is read from."""
    (*_, head), (status, _, doc) = fixed_values(state), moving_values(state)
    return {"head": head, "status": status, "doc": doc}


async def test_the_tables_are_what_the_migrations_make(dsn: str) -> None:
    assert await drift(dsn, tables.Base.metadata) == []


async def test_an_order_is_kept_with_its_first_facts_in_both_sequences(running: Running) -> None:
    await running.receive(placed())
    (row,) = await running.rows("SELECT * FROM orders")
    assert (row["order_id"], row["external_id"]) == (ORDER_ID, EXTERNAL_ID)
    assert (row["order_no"], row["status"]) == (order_no(ORDER_ID), "accepted")
    assert (row["seq"], row["answer_seq"], row["waiting_for"]) == (1, 1, "inventory")
    assert await running.facts() == [
        (ORDERS, "OrderAccepted", 1),
        (ANSWERS, "OrderConfirmed", 1),
    ]


async def test_nothing_personal_is_stored_or_published_in_clear(running: Running) -> None:
    await running.receive(placed())
    for table in ("orders", "outbox", "inbox"):
        for row in await running.kept(table):
            for word in ("Ada", "customers.example", "Main St", "ring twice"):
                assert word not in row


@pytest.mark.parametrize(
    ("reference", "taken"),
    [
        ("4111 1111 1111 1111", False),
        ("5500-0000-0000-0004", False),
        ("4111111111111112", True),
        ("123456789012", True),
        ("tok_4111111111111111", True),
    ],
)
async def test_card_numbers_are_turned_down_and_kept_nowhere(
    running: Running, reference: str, taken: bool
) -> None:
    await running.receive(placed(payment=Payment(method=PaymentMethod.TOKEN, reference=reference)))
    assert isinstance(await running.order(), Order) == taken
    if not taken:
        (told,) = await running.said("OrderRejected")
        assert told["reasons"][0]["code"] == "card_number"
        for table in ("orders", "outbox", "inbox"):
            assert reference not in "".join(await running.kept(table))


async def test_a_batch_is_folded_in_order_and_saved_once(running: Running) -> None:
    wish = CancellationRequested(external_id=EXTERNAL_ID)
    await running.receive(placed(), wish)
    (row,) = await running.rows("SELECT status, seq, answer_seq FROM orders")
    assert tuple(row) == ("cancelling", 1, 1)


async def test_every_input_is_in_the_orders_history(running: Running) -> None:
    await running.receive(placed())
    answer = StockReserved(request_id=A_REQUEST)
    await running.hear(answer)
    rows = await running.rows("SELECT type, topic FROM inbox WHERE key = $1 ORDER BY at", ORDER_ID)
    assert [r["type"] for r in rows] == [
        "oms.channel.OrderPlaced.v1",
        "oms.inventory.StockReserved.v1",
    ]


async def test_what_broke_its_contract_stands_in_the_history_without_its_words(
    running: Running,
) -> None:
    await running.receive(placed())
    await running.hear_nonsense(StockReserved(request_id=A_REQUEST), b'{"alloc": "Ada Lovelace"}')
    async with running.door.sessions() as session:
        entry = (await history(session, ORDER_ID))[-1]
    assert (entry.type, entry.text) == (StockReserved.TYPE, "(parked or set aside)")
    for table in ("inbox", "parked"):
        assert "Ada" not in repr(await running.rows(f"SELECT * FROM {table}"))


async def test_a_rejected_number_can_be_used_again_and_lives_on_in_the_same_row(
    running: Running,
) -> None:
    nobody_pays = Payment(method=PaymentMethod("magic beans"))
    await running.receive(placed(payment=nobody_pays))
    assert isinstance(await running.order(), NoOrder)
    await running.receive(placed())
    found = await running.order()
    assert isinstance(found, Order)
    assert found.placed.payment_method is PaymentMethod.TOKEN
    (row,) = await running.rows("SELECT answer_seq, status FROM orders")
    assert tuple(row) == (2, "accepted")
    request_id = found.stock.reserving.request.request_id  # type: ignore[union-attr]
    units = [Alloc(line_id=n, sku=f"SKU-{n}", location="W", qty=3 - int(n)) for n in ("1", "2")]
    await running.hear(StockReserved(request_id=request_id, alloc=units))
    assert (await running.order()).status is Status.AWAITING_PAYMENT


async def test_a_wish_to_cancel_what_was_never_placed_is_answered_from_a_row_of_its_own(
    running: Running,
) -> None:
    await running.receive(CancellationRequested(external_id=EXTERNAL_ID))
    assert (await running.order()).status is Status.UNKNOWN
    assert await running.facts() == [(ANSWERS, "CancellationAnswered", 1)]
    (told,) = await running.said("CancellationAnswered")
    assert told["accepted"] is False


async def test_an_answer_about_an_order_that_is_none_parks_its_key(running: Running) -> None:
    await running.hear(StockReserved(request_id=A_REQUEST))
    (parked,) = await running.rows("SELECT kind, key, reason FROM parked")
    assert (parked["kind"], parked["key"]) == ("order", ORDER_ID)
    assert "no order" in parked["reason"]


async def test_a_waiting_order_has_a_deadline_and_a_finished_one_has_none(
    running: Running,
) -> None:
    await running.receive(placed())
    (due,) = await running.rows("SELECT key FROM due")
    assert due["key"] == ORDER_ID


def busy() -> Order:
    """An order with something in nearly every field."""
    story = reserved(line("1", 4), line("2", 2))
    story.tell(PlaceHold(Gate.SHIP, "look"), actor="ann")
    story.tell(payment_authorised(story))
    (fulfilment,) = story.last(OrderReleased).fulfilments
    story.tell(fulfilment_short(fulfilment, LineQty(line_id="1", sku="SKU-1", qty=1)))
    story.tell(CancelOrder((("2", 1),), "too many"), actor="ann")
    return story.order


def test_no_more_units_can_be_lost_than_were_set_aside() -> None:
    with pytest.raises(ValueError, match="only 2 units are set aside at WEST"):
        Line(reserved=(("WEST", 2),)).lose("WEST", 3)


@pytest.mark.parametrize("order", [busy(), completed().order], ids=["busy", "completed"])
def test_everything_an_order_may_hold_comes_back_as_it_was(order: Order) -> None:
    assert read(as_row(order)) == order


def test_a_usual_order_makes_a_short_document() -> None:
    head, body = as_row(completed().order)["head"], as_row(completed().order)["doc"]
    assert len(body) < 1_600  # type: ignore[arg-type]
    assert len(head) < 1_300  # type: ignore[arg-type]


def test_a_number_without_an_order_comes_back_as_it_was() -> None:
    reasons = (("lines", "empty", "An order has at least one line."),)
    rejected = NoOrder(ORDER_ID, "webshop", EXTERNAL_ID, NOW, "digest", reasons)
    assert read(as_row(rejected)) == rejected
