"""Notify's values: messages and the bag they are delivered from, alerts, and the policy."""

from oms_notify.domain.messages import (
    ROLE_OF,
    Alerts,
    Line,
    Mailbag,
    Message,
    Messages,
    OrderHead,
    Raised,
    Resend,
    Role,
    Status,
    Template,
)
from oms_notify.domain.policy import Policy

__all__ = [
    "ROLE_OF",
    "Alerts",
    "Line",
    "Mailbag",
    "Message",
    "Messages",
    "OrderHead",
    "Policy",
    "Raised",
    "Resend",
    "Role",
    "Status",
    "Template",
]
