"""What may differ from business to business; `deploy/policies.toml` may set any of it."""

from __future__ import annotations

from collections.abc import Mapping

from oms_chassis.decision import Rules
from oms_notify.domain.messages import Template


class Policy(Rules, frozen=True):
    """Who writes, who is written to, and how patiently."""

    shop_name: str = "The Shop"
    sender: str = "orders@shop.example"
    """Where mails come from; its domain ends every Message-ID."""
    customer_service: str = "service@shop.example"
    """Gets alerts about orders, and the answers of customers."""
    warehouse_manager: str = "warehouse@shop.example"
    warehouse_manager_by_location: Mapping[str, str] = {}
    silent_about: tuple[Template, ...] = ()
    """Templates that are not sent, where a sales channel writes to its customers itself."""
    alert_again_seconds: float = 3_600.0
    """A shortage of a SKU at a location is told again no sooner than after this, unless it grew."""
    alert_growth: float = 2.0
    """A shortage this many times as large as the one told last is told at once."""
    alerts_kept: int = 20
    """Finished alerts that are remembered per SKU."""
    answer_within_seconds: float = 120.0
    """A mail without an answer for longer is brought to a person's attention."""
    retry_after_seconds: float = 60.0
    """Pause after a mail whose fate is unknown; it doubles with each further one."""
    retry_after_max_seconds: float = 3_600.0
    attempts_max: int = 12
    """Attempts after which a message counts as failed: most of a working day."""

    def manager_of(self, location: str) -> str:
        """Whom to write to about goods at that location."""
        return self.warehouse_manager_by_location.get(location, self.warehouse_manager)
