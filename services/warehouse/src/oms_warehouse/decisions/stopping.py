"""The order no longer wants a fulfilment: work ends, and what was picked goes back into its bins.

A stop is safe at any time, because the saga asks for it only while no carrier has the parcels.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from oms_chassis.decision import Decision, Input, again, refuse, seconds
from oms_contracts.order import FulfilmentStopRequested
from oms_warehouse.decisions.answers import (
    moved,
    not_stopping,
    progress,
    stop_refused,
    stopped,
    unknown_fulfilment,
    wrong_status,
)
from oms_warehouse.domain import (
    AUTOMATIC,
    ConfirmPutBack,
    Fulfilment,
    OrderFulfilments,
    Policy,
    RefusePutBack,
    Status,
    Stop,
    StopAnswer,
)


def stop(policy: Policy, before: OrderFulfilments | None, input: Input, now: datetime) -> Decision:
    """Stop at once what is untouched; otherwise ask a person to put the units back.

    Which of both it is shows in the goods, not in the request's `put_back`: packing may have
    gone on since the order last heard of it.
    """
    asked: FulfilmentStopRequested = input.body
    fulfilment = before.find(asked.fulfilment_id) if before else None
    wish = Stop(asked.request_id, asked.fulfilment_id, asked.reason)
    if before is None or fulfilment is None:
        return _remember(before, wish, input)
    known = fulfilment.stop(asked.request_id)
    if known is not None:
        return again(None, *_answer(known, fulfilment))
    wished = replace(fulfilment, stops=(*fulfilment.stops, wish))
    if fulfilment.status is Status.STOPPED or _nobody_must_act(fulfilment):
        return _stopped(before, wished, input)
    if fulfilment.status is Status.STOPPING:
        return moved(input, before, before.with_fulfilment(wished))
    opened = replace(
        wished,
        status=Status.STOPPING,
        resume=fulfilment.status,
        due_at=now + seconds(policy.put_back_within_seconds),
        overdue_since=None,
    )
    return moved(input, before, before.with_fulfilment(opened))


def _nobody_must_act(fulfilment: Fulfilment) -> bool:
    """Nothing has left its bin, or no person works at this location."""
    return fulfilment.picked == 0 or fulfilment.packed_by == AUTOMATIC


def _remember(before: OrderFulfilments | None, wish: Stop, input: Input) -> Decision:
    """The stop overtook the release, and wins over it."""
    state = before or OrderFulfilments()
    known = next((s for s in state.early_stops if s.request_id == wish.request_id), None)
    if known is not None:
        return again(None, stopped(known, None))
    kept = replace(wish, answer=StopAnswer.STOPPED)
    after = replace(state, early_stops=(*state.early_stops, kept))
    return moved(input, before, after, stopped(kept, None))


def _answer(stop: Stop, fulfilment: Fulfilment) -> tuple[object, ...]:
    match stop.answer:
        case StopAnswer.AWAITED:
            return ()
        case StopAnswer.STOPPED:
            return (stopped(stop, fulfilment),)
        case StopAnswer.REFUSED:
            return (stop_refused(stop),)


def in_bins(fulfilment: Fulfilment, by: str) -> tuple[Fulfilment, tuple[object, ...]]:
    """Every unit lies in its bin: the fulfilment is stopped, and all open requests are answered."""
    done = fulfilment.answered(StopAnswer.STOPPED, by)
    return done, tuple(stopped(s, done) for s in fulfilment.awaited_stops())


def _stopped(state: OrderFulfilments, fulfilment: Fulfilment, input: Input) -> Decision:
    done, facts = in_bins(fulfilment, input.actor)
    return moved(input, state, state.with_fulfilment(done), *facts, answer=progress(done))


def confirm_put_back(state: OrderFulfilments, input: Input) -> Decision:
    """A person says that every unit lies in its bin again."""
    said: ConfirmPutBack = input.body
    fulfilment = state.find(said.fulfilment_id)
    if fulfilment is None:
        return unknown_fulfilment(said.fulfilment_id)
    match fulfilment.status:
        case Status.STOPPING:
            return _stopped(state, fulfilment, input)
        case Status.STOPPED:
            return again(None, answer=progress(fulfilment))
        case Status.RELEASED | Status.PICKING | Status.PICKED | Status.PACKING | Status.PACKED:
            return not_stopping(fulfilment)


def refuse_put_back(state: OrderFulfilments, input: Input) -> Decision:
    """A person says that it is too late to stop: the fulfilment goes on where it stood."""
    said: RefusePutBack = input.body
    fulfilment = state.find(said.fulfilment_id)
    if fulfilment is None:
        return unknown_fulfilment(said.fulfilment_id)
    match fulfilment.status:
        case Status.STOPPING:
            return _refused(state, fulfilment, said.reason, input)
        case Status.STOPPED:
            return wrong_status(fulfilment)
        case Status.RELEASED | Status.PICKING | Status.PICKED | Status.PACKING | Status.PACKED:
            if fulfilment.stops and fulfilment.stops[-1].refusal == said.reason:
                return again(None, answer=progress(fulfilment))
            return not_stopping(fulfilment)


def _refused(
    state: OrderFulfilments, fulfilment: Fulfilment, reason: str, input: Input
) -> Decision:
    if any(line.put_back for line in fulfilment.lines):
        return refuse(
            None, "put_back_begun",
            "Units lie in their bins already: put the remaining "
            f"{fulfilment.to_put_back} back as well.",
        )  # fmt: skip
    goes_on = fulfilment.answered(StopAnswer.REFUSED, input.actor, reason)
    facts = [stop_refused(replace(s, refusal=reason)) for s in fulfilment.awaited_stops()]
    return moved(input, state, state.with_fulfilment(goes_on), *facts, answer=progress(goes_on))
