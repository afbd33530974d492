"""Which product of which carrier, at what price, and when it will be there. Policy is all data."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from oms_contracts.order import ShipmentRequested
from oms_shipping.domain import CarrierService, Policy, Rate

_SATURDAY = 5


def cheapest(policy: Policy, asked: ShipmentRequested) -> Rate | None:
    """The cheapest product that may carry every parcel there; the faster one where equal."""
    rates = [
        Rate(s.carrier, s.service, s.transit_days, _price_minor(s, asked), policy.currency)
        for s in policy.services
        if _may_carry(s, asked)
    ]
    by_price = sorted(rates, key=lambda r: (r.price_minor, r.transit_days, r.carrier, r.service))
    return by_price[0] if by_price else None


def _may_carry(service: CarrierService, asked: ShipmentRequested) -> bool:
    return (
        asked.service_level in service.levels
        and (not service.countries or asked.ship_country in service.countries)
        and all(p.weight_grams <= service.parcel_grams_max for p in asked.parcels)
    )


def _price_minor(service: CarrierService, asked: ShipmentRequested) -> int:
    kilograms_begun = sum(-(-parcel.weight_grams // 1000) for parcel in asked.parcels)
    return service.price_minor * len(asked.parcels) + service.price_per_kg_minor * kilograms_begun


def arrival(policy: Policy, rate: Rate, handed_over_at: datetime) -> datetime:
    """When the carrier should have delivered: working days of transit from the next pickup."""
    day = handed_over_at.date()
    too_late_today = handed_over_at.hour >= policy.pickup_hour_utc
    if too_late_today or day.weekday() >= _SATURDAY:
        day = _working_days_after(day, 1)
    arrives = _working_days_after(day, rate.transit_days)
    return datetime.combine(arrives, time(policy.delivery_hour_utc), handed_over_at.tzinfo)


def _working_days_after(day: date, days: int) -> date:
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < _SATURDAY
    return day
