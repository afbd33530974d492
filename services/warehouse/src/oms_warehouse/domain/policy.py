"""The rules of the warehouse as data: times in seconds, weights in grams, quantities in units."""

from __future__ import annotations

from oms_chassis.decision import Rules

_DAY_SECONDS = 86_400.0


class LocationPolicy(Rules, frozen=True):
    """How one location works."""

    location: str
    auto_fulfil: bool = False
    """No person picks here: a machine or a partner does, and goods count as packed at once."""


class SupplierPolicy(Rules, frozen=True):
    """From whom SKUs with a prefix are bought, and how."""

    name: str
    sku_prefix: str = ""
    lead_time_seconds: float = 7 * _DAY_SECONDS
    reorder_qty: int = 1
    """The least that is ordered at once."""
    case_qty: int = 1
    """Units in a case: the supplier sells whole cases."""

    def __post_init__(self) -> None:
        if self.case_qty < 1 or self.reorder_qty < 0 or self.lead_time_seconds < 0:
            raise ValueError(f"supplier {self.name}: quantities and times must not be negative")


class Policy(Rules, frozen=True):
    """What the warehouse goes by."""

    auto_fulfil: bool = False
    """For locations that `locations` does not name."""
    locations: tuple[LocationPolicy, ...] = ()
    unit_weight_grams: int = 500
    """Weight of a unit where nobody weighs the parcel."""
    default_supplier: SupplierPolicy = SupplierPolicy("default")
    suppliers: tuple[SupplierPolicy, ...] = ()
    """The longest prefix of a SKU decides."""
    supplier_grace_seconds: float = _DAY_SECONDS
    """How long after its expected date a delivery is overdue."""
    put_back_within_seconds: float = 4 * 3_600.0
    look_again_seconds: float = _DAY_SECONDS
    """When something overdue is looked at again."""

    def location(self, name: str) -> LocationPolicy:
        """The rules of the location called `name`."""
        for rules in self.locations:
            if rules.location == name:
                return rules
        return LocationPolicy(name, self.auto_fulfil)

    def supplier_of(self, sku: str) -> SupplierPolicy:
        """Who delivers this SKU."""
        fitting = [s for s in self.suppliers if sku.startswith(s.sku_prefix)]
        return max(fitting, key=lambda s: len(s.sku_prefix), default=self.default_supplier)
