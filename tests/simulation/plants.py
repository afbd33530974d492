"""Mistakes that must be found: which invariant finds each, and within how many seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from services import BILLING, INVENTORY, NOTIFY, ORDER, SHIPPING, WAREHOUSE
from slips import (
    answers_before_it_is_done,
    cannot_stop_what_is_labelled,
    counts_one_too_many,
    hands_out_what_is_not_there,
    in_service,
    keeps_no_key,
    loses_a_cent,
    overlooks,
    says_voided_and_calls_nobody,
    sells_by_an_old_list,
    sends_the_receipt_twice,
    stops_and_ships,
    takes_any_answer_for_the_one_awaited,
    waits_for_goods_for_ever,
    writes_twice,
)
from slips_chassis import (
    forgets_what_it_had_to_say,
    forgets_what_it_heard,
    overtakes_what_is_parked,
    skips_a_number,
)
from world import Plant

from oms_contracts.order import (
    FulfilmentStopRequested,
    PaymentVoidRequested,
    ReservationReleaseRequested,
)
from oms_contracts.warehouse import FulfilmentStopped


class Planted(NamedTuple):
    """A slip, what the invariant that finds it says, and how many seeds it may take."""

    plant: Plant
    found_by: str
    within: int


PLANTS: Mapping[str, Planted] = {
    # The ten that the simulator is measured by, each of another kind.
    "an order that keeps its stock": Planted(
        in_service(ORDER, overlooks(ReservationReleaseRequested)), "no rest", 20
    ),
    "a capture that is made twice": Planted(
        in_service(BILLING, keeps_no_key), "was taken twice", 200
    ),
    "a bucket with a unit too many": Planted(
        in_service(ORDER, counts_one_too_many), "units in Line", 10
    ),
    "a void that never reaches the provider": Planted(
        in_service(BILLING, says_voided_and_calls_nobody), "no rest", 25
    ),
    "a wait without an end": Planted(waits_for_goods_for_ever, "waits in silence", 10),
    "stock that is sold by an old list": Planted(
        sells_by_an_old_list, "units cannot be reserved", 10
    ),
    "a number that is skipped": Planted(skips_a_number, "published after a gap", 10),
    "a customer who is written to twice": Planted(
        in_service(NOTIFY, writes_twice), "is written to twice", 10
    ),
    "an answer that is taken for another": Planted(
        takes_any_answer_for_the_one_awaited, "still holds", 100
    ),
    "a fact that dies with its process": Planted(
        forgets_what_it_had_to_say, "published after a gap", 20
    ),
    # And more of them.
    "an inbox that forgets": Planted(forgets_what_it_heard, "too late", 60),
    "a parked key that is overtaken": Planted(overtakes_what_is_parked, "too late", 50),
    "an order that never lets promised money go": Planted(
        in_service(ORDER, overlooks(PaymentVoidRequested)), "no rest", 20
    ),
    "an order that lets cancelled goods be packed": Planted(
        in_service(ORDER, overlooks(FulfilmentStopRequested)), "no rest", 20
    ),
    "a receipt that is sent twice": Planted(
        in_service(ORDER, sends_the_receipt_twice),
        "more units shipped and cancelled than ordered",
        10,
    ),
    "stock that is handed out and not there": Planted(
        in_service(INVENTORY, hands_out_what_is_not_there), "order cannot take StockReserved", 10
    ),
    "a journal that loses a cent": Planted(
        in_service(BILLING, loses_a_cent), "journals that do not balance", 10
    ),
    "a stop that is answered while picking goes on": Planted(
        in_service(WAREHOUSE, answers_before_it_is_done(FulfilmentStopped)), "no rest", 20
    ),
    "a stop that shipping cannot take": Planted(
        in_service(SHIPPING, cannot_stop_what_is_labelled),
        "shipping cannot take ShipmentStopRequested",
        300,
    ),
    "a stop that shipping never answers": Planted(
        in_service(SHIPPING, stops_and_ships), "no rest", 300
    ),
}
"""By what is wrong."""
