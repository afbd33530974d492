"""The order wants to stop: at once, after put-back, or too late."""

from __future__ import annotations

from builders import F1, F2, ROBOTS, Warehouse, part, refused, released, request, stop_requested

from oms_contracts.warehouse import FulfilmentStopped, FulfilmentStopRefused
from oms_warehouse.domain import ConfirmPutBack, RefusePutBack, Status, WorkItem


def stopped_units(fact: object) -> list[tuple[str, int]]:
    assert isinstance(fact, FulfilmentStopped)
    assert {a.location for a in fact.alloc} <= {"main", ROBOTS}
    return [(a.line_id, a.qty) for a in fact.alloc]


def test_a_fulfilment_that_nobody_touched_stops_at_once() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.tell(stop_requested())
    (answer,) = warehouse.facts
    assert (answer.request_id, answer.fulfilment_id) == (request(1), F1)
    assert stopped_units(answer) == [("1", 2), ("2", 1)]
    assert warehouse.fulfilment.status is Status.STOPPED


def test_a_pick_list_that_was_only_claimed_stops_at_once() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    warehouse.short("2")
    warehouse.tell(stop_requested())
    assert stopped_units(warehouse.facts[-1]) == [("1", 2)]


def test_picked_units_are_put_back_by_a_person_before_the_stop_is_answered() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    warehouse.pick("MUG-1")
    warehouse.tell(stop_requested(reason="customer changed her mind"))
    assert warehouse.facts == []
    item = [row for row in warehouse.rows if isinstance(row, WorkItem)][-1]
    assert (item.status, item.stop_reason) == ("stopping", "customer changed her mind")
    assert refused(warehouse.pick("MUG-1")) == "stopping"
    warehouse.tell(ConfirmPutBack(F1), by="cy")
    assert stopped_units(warehouse.facts[0]) == [("1", 2), ("2", 1)]


def test_a_packed_parcel_is_unpacked_and_put_back_unit_by_unit() -> None:
    warehouse = Warehouse().packed()
    warehouse.tell(stop_requested(put_back=True))
    warehouse.put_back("MUG-1", 2)
    assert refused(warehouse.put_back("MUG-1")) == "surplus"
    assert refused(warehouse.put_back("CUP-1")) == "wrong_item"
    assert len(warehouse.facts) == 1
    last = warehouse.put_back("TEA-1")
    assert last.answer is not None
    assert last.answer["status"] == "stopped"
    assert stopped_units(warehouse.facts[1]) == [("1", 2), ("2", 1)]
    assert warehouse.fulfilment.parcels == ()


def test_a_put_back_scan_sent_twice_counts_once() -> None:
    warehouse = Warehouse().packed()
    warehouse.tell(stop_requested())
    first = warehouse.put_back("MUG-1", n=7)
    assert warehouse.put_back("MUG-1", n=7).answer == first.answer
    assert warehouse.fulfilment.to_put_back == 2


def test_where_no_person_works_the_goods_go_back_at_once() -> None:
    warehouse = Warehouse()
    warehouse.tell(released(part(F1, ROBOTS)))
    warehouse.tell(stop_requested(put_back=True))
    assert stopped_units(warehouse.facts[1]) == [("1", 2), ("2", 1)]
    assert warehouse.fulfilment.status is Status.STOPPED


def test_a_person_may_refuse_because_the_parcel_is_on_the_truck() -> None:
    warehouse = Warehouse().packed()
    warehouse.tell(stop_requested())
    warehouse.tell(RefusePutBack(F1, "it is on the truck"), by="cy")
    assert warehouse.facts[1] == FulfilmentStopRefused(
        request_id=request(1), fulfilment_id=F1, reason="it is on the truck"
    )
    assert warehouse.fulfilment.status is Status.PACKED
    assert warehouse.core.deadline(warehouse.order) is None


def test_a_refused_stop_lets_picking_go_on_where_it_was() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    warehouse.pick("MUG-1")
    warehouse.tell(stop_requested())
    warehouse.tell(RefusePutBack(F1, "made to measure"), by="cy")
    assert warehouse.fulfilment.status is Status.PICKING
    assert warehouse.pick("MUG-1").verdict == "apply"


def test_a_put_back_that_has_begun_cannot_be_refused() -> None:
    warehouse = Warehouse().packed()
    warehouse.tell(stop_requested())
    warehouse.put_back("MUG-1")
    assert refused(warehouse.tell(RefusePutBack(F1, "too late"), by="cy")) == "put_back_begun"


def test_a_stop_asked_again_gets_the_same_answer_again() -> None:
    for end in (ConfirmPutBack(F1), RefusePutBack(F1, "it is on the truck")):
        warehouse = Warehouse().packed()
        warehouse.tell(stop_requested())
        assert warehouse.tell(stop_requested()).verdict == "again"
        assert len(warehouse.facts) == 1
        warehouse.tell(end, by="cy")
        assert warehouse.tell(stop_requested()).verdict == "again"
        assert warehouse.facts[2] == warehouse.facts[1]


def test_a_second_request_while_stopping_is_answered_with_the_first() -> None:
    for end, answer in (
        (ConfirmPutBack(F1), FulfilmentStopped),
        (RefusePutBack(F1, "it is on the truck"), FulfilmentStopRefused),
    ):
        warehouse = Warehouse().packed()
        warehouse.tell(stop_requested(1))
        warehouse.tell(stop_requested(2))
        warehouse.tell(end, by="cy")
        answers = warehouse.facts[1:]
        assert [a.request_id for a in answers] == [request(1), request(2)]
        assert {type(a) for a in answers} == {answer}


def test_a_new_request_after_a_refusal_is_a_new_try() -> None:
    warehouse = Warehouse().packed()
    warehouse.tell(stop_requested(1))
    warehouse.tell(RefusePutBack(F1, "it is on the truck"), by="cy")
    warehouse.tell(stop_requested(2))
    assert warehouse.fulfilment.status is Status.STOPPING
    warehouse.tell(ConfirmPutBack(F1), by="cy")
    assert warehouse.facts[-1].request_id == request(2)
    warehouse.tell(stop_requested(1))
    assert isinstance(warehouse.facts[-1], FulfilmentStopRefused)


def test_what_is_stopped_already_is_stopped_for_every_request() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.tell(stop_requested(1))
    warehouse.tell(stop_requested(2))
    assert [f.request_id for f in warehouse.facts] == [request(1), request(2)]
    assert stopped_units(warehouse.facts[0]) == stopped_units(warehouse.facts[1])


def test_confirming_or_refusing_twice_is_answered_alike() -> None:
    warehouse = Warehouse().packed()
    warehouse.tell(stop_requested())
    first = warehouse.tell(ConfirmPutBack(F1), by="cy")
    repeat = warehouse.tell(ConfirmPutBack(F1), by="cy")
    assert (repeat.verdict, repeat.answer) == ("again", first.answer)
    assert refused(warehouse.tell(RefusePutBack(F1, "too late"), by="cy")) == "stopped"

    warehouse = Warehouse().packed()
    warehouse.tell(stop_requested())
    first = warehouse.tell(RefusePutBack(F1, "it is on the truck"), by="cy")
    repeat = warehouse.tell(RefusePutBack(F1, "it is on the truck"), by="cy")
    assert (repeat.verdict, repeat.answer) == ("again", first.answer)
    assert len(warehouse.facts) == 2


def test_nothing_is_put_back_that_nobody_asked_to_stop() -> None:
    warehouse = Warehouse().packed()
    assert refused(warehouse.tell(ConfirmPutBack(F1), by="cy")) == "not_stopping"
    assert refused(warehouse.tell(RefusePutBack(F1, "no"), by="cy")) == "not_stopping"
    assert refused(warehouse.tell(ConfirmPutBack(F2), by="cy")) == "unknown_fulfilment"
    assert refused(warehouse.tell(RefusePutBack(F2, "no"), by="cy")) == "unknown_fulfilment"
