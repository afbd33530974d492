"""How an order's messages and a SKU's alerts become rows and come back."""

from __future__ import annotations

from oms_chassis.store import Root, Store, codec
from oms_notify.domain import Alerts, Mailbag, Messages, OrderHead
from oms_notify.tables import AlertsRow, Base, MessagesRow

_encode_head, _decode_head = codec(OrderHead)
_encode_bag, _decode_bag = codec(Mailbag)
_encode_alerts, _decode_alerts = codec(Alerts)

STORE = Store(
    base=Base,
    roots=(
        Root(
            "alerts",
            AlertsRow,
            key="sku",
            sequences=(),
            moving=("attention", "doc"),
            moving_values=lambda alerts: (alerts.bag.attention, _encode_alerts(alerts)),
            read=lambda row: _decode_alerts(row["doc"]),
        ),
        Root(
            "messages",
            MessagesRow,
            key="order_id",
            sequences=("seq",),
            fixed=("head",),
            fixed_values=lambda messages: (_encode_head(messages.head),),
            moving=("attention", "doc"),
            moving_values=lambda messages: (messages.bag.attention, _encode_bag(messages.bag)),
            read=lambda row: Messages(_decode_head(row["head"]), _decode_bag(row["doc"])),
        ),
    ),
)
