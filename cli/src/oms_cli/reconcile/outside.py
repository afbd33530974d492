"""What the outside world says happened: the logs of the payment provider, the carrier and mail.

They are the sandboxes' own and count what really happened to money, labels and mails, however
often our side asked. What was written after `until` may be unknown to the stores as they were read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

MAIL_LOG = "mails.jsonl"
"""Where mails go that no mail server takes."""
SENT_LOG = "sent.jsonl"
"""What clients of ours were told at the door, one JSON line per answer."""


class PaymentLine(msgspec.Struct, frozen=True):
    """A call as the payment provider took it. `amount_minor` is what this very call moved."""

    at: datetime
    method: str
    key: str
    order_id: str
    result: str
    repeat: bool
    amount_minor: int
    currency: str
    body: dict[str, Any]


class CarrierLine(msgspec.Struct, frozen=True):
    """A call as the carrier took it."""

    at: datetime
    method: str
    purchase_id: str
    outcome: str
    labels: list[dict[str, str]] = []


class SentLine(msgspec.Struct, frozen=True):
    """An order that was placed over HTTP and taken."""

    channel: str
    external_id: str
    order_id: str


class MailLine(msgspec.Struct, frozen=True):
    """A mail that came, or came once more."""

    at: datetime
    message_id: str


class Probe(NamedTuple):
    """How a door answered somebody who asked for what is another's."""

    service: str
    who: str
    what: str
    status: int = 0
    """0 where nobody answered."""
    leaks: bool = False


@dataclass(frozen=True)
class Outside:
    """Everything the outside world wrote down."""

    payments: Sequence[PaymentLine] = ()
    carrier: Sequence[CarrierLine] = ()
    sent: Sequence[SentLine] = ()
    mails: Mapping[str, int] = field(default_factory=dict)
    """Message id → how often it came."""
    late_mails: frozenset[str] = frozenset()
    """Those that came after the stores were read."""
    files: Sequence[Path] = ()
    """Everything that our processes write besides stores and topics."""
    probes: Sequence[Probe] = ()


def read_calls(data_dir: Path, until: datetime) -> Outside:
    """What the provider and the carrier were asked; a log that is not there is empty."""
    return Outside(
        [x for x in _lines(data_dir / "payments.jsonl", PaymentLine) if x.at <= until],
        [x for x in _lines(data_dir / "carrier.jsonl", CarrierLine) if x.at <= until],
    )


def read_outside(data_dir: Path, until: datetime) -> Outside:
    """All logs below the data directory."""
    mails = _mails(data_dir)
    return replace(
        read_calls(data_dir, until),
        sent=list(_lines(data_dir / SENT_LOG, SentLine)),
        mails={message_id: len(times) for message_id, times in mails.items()},
        files=_written(data_dir),
        late_mails=frozenset(
            message_id for message_id, times in mails.items() if min(times) > until
        ),
    )


def _written(data_dir: Path) -> list[Path]:
    """Logs, traces, and what the sandboxes wrote down. (Mails are for people.)"""
    patterns = ("../logs/*.log", "*.jsonl", "traces/*.jsonl*")
    files = (file for pattern in patterns for file in sorted(data_dir.glob(pattern)))
    return [file for file in files if file.name != MAIL_LOG]


def remember_sent(data_dir: Path, line: SentLine) -> None:
    """Write down what a client was told, so that it can be held against the stores."""
    with (data_dir / SENT_LOG).open("ab") as log:
        log.write(msgspec.json.encode(line) + b"\n")


def _mails(data_dir: Path) -> dict[str, list[datetime]]:
    """When mails came: to the local mail server, or to notify's own file where there is none."""
    mails: dict[str, list[datetime]] = {}
    folder = data_dir / "mails"
    for file in folder.glob("*.eml"):
        came = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        mails.setdefault(file.stem.rpartition("@")[0], []).append(came)
    for repeated in (folder / "duplicates.jsonl", data_dir / MAIL_LOG):
        for line in _lines(repeated, MailLine):
            message_id = line.message_id.strip("<>").rpartition("@")[0]
            mails.setdefault(message_id, []).append(line.at)
    return mails


def _lines(file: Path, of: Any) -> Iterator[Any]:
    """The whole lines of a file; the last may be half written."""
    if not file.exists():
        return
    decode = msgspec.json.Decoder(of).decode
    whole, _, _ = file.read_bytes().rpartition(b"\n")
    for line in whole.splitlines():
        yield decode(line)
