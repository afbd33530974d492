"""The payment provider as billing sees it, and the sandbox that stands in for one."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from oms_billing.sandbox import Provider, Reply
from oms_chassis.gateway import Gateway, GatewayRefused, GatewayUnknown, Repeat
from oms_chassis.http_gateway import HttpGateway
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings

READ_BYTES = 1 << 20


class Payments(Gateway):
    """What billing asks of a payment provider. Amounts are in minor units of `currency`.

    Every body has `key`, `order_id`, `order_no` and `currency`. `key` names the wish: a wish
    whose fate is unknown is repeated under it, as a new call, and must move money once.
    - `authorise` {amount_minor, token, try} → {authorisation_id, amount_minor, currency,
      expires_at}
    - `reauthorise` {authorisation_id, amount_minor} → the same
    - `capture` {authorisation_id, amount_minor, invoice_no, try} → {capture_id, amount_minor,
      currency}; several captures of one authorisation are usual
    - `void` {authorisation_id, authorise_key} → {}; frees what is not captured. Where the id is
      empty the key tells which, and if that was never seen it must never be authorised
    - `refund` {authorisation_id, amount_minor} → {refund_id, amount_minor, currency}
    - `transfer` {reference, amount_minor} → the same, of money that was not captured here
    """

    repeat: ClassVar[Mapping[str, Repeat]] = {
        "authorise": Repeat.BY_KEY,
        "reauthorise": Repeat.BY_KEY,
        "capture": Repeat.BY_KEY,
        "void": Repeat.BY_KEY,
        "refund": Repeat.BY_KEY,
        "transfer": Repeat.BY_KEY,
    }
    timeout_seconds = 10.0
    in_flight_max = 64
    attempts_max = 3


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call that waits for the next batch."""

    method: str
    key: str
    body: Mapping[str, Any]
    reply: asyncio.Future[Reply]


class SandboxPayments(Payments):
    """The sandbox with its log, the ground truth: one JSON line per call, repeats included.

    The log is all its memory: state is the fold of the lines, so it survives a restart, and
    several processes may share one log (each reads what the others wrote before it answers).
    All calls of one turn of the event loop are one lock, one read, one write. A line is handed
    to the operating system before the call is answered, which survives kill -9; it is not
    synced to the disk, so a power loss may cost the last lines.
    """

    def __init__(
        self, log: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._clock = clock
        self._provider = Provider()
        self._read_to = 0
        self._asked: list[_Asked] = []

    async def call(self, method: str, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Payments`; silence is raised as GatewayUnknown."""
        loop = asyncio.get_running_loop()
        asked = _Asked(method, body.get("key") or key, body, loop.create_future())
        if not self._asked:
            loop.call_soon(self._answer_all)
        self._asked.append(asked)
        reply = await asked.reply
        if reply.delay_seconds:
            await asyncio.sleep(reply.delay_seconds)
        if reply.code:
            raise GatewayRefused(reply.code)
        if reply.answer is None:
            raise GatewayUnknown("the provider did not answer")
        return reply.answer

    async def lookup(
        self, method: str, key: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """The same as asking again: every method is repeated by its key."""
        return await self.call(method, key, body)

    async def close(self) -> None:
        """Give the file back."""
        os.close(self._file)

    def _answer_all(self) -> None:
        asked, self._asked = self._asked, []
        try:
            replies = self._booked(asked)
        except Exception as error:  # whatever it is, the log may have it or not: read it anew
            self._provider, self._read_to = Provider(), 0
            for call in asked:
                if not call.reply.done():
                    call.reply.set_exception(error)
            return
        for call, reply in zip(asked, replies, strict=True):
            if not call.reply.done():
                call.reply.set_result(reply)

    def _booked(self, asked: list[_Asked]) -> list[Reply]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            self._catch_up()
            at = self._clock()
            replies = [self._provider.handle(c.method, c.key, c.body, at) for c in asked]
            lines = b"".join(
                msgspec.json.encode(_line(call, reply, at)) + b"\n"
                for call, reply in zip(asked, replies, strict=True)
            )
            if os.write(self._file, lines) != len(lines):
                raise OSError("the sandbox's log could not be written")
            self._read_to += len(lines)
            return replies
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _catch_up(self) -> None:
        """Do what the lines of other processes, or of an earlier life, say."""
        rest = b""
        while chunk := os.pread(self._file, READ_BYTES, self._read_to + len(rest)):
            whole, newline, torn = (rest + chunk).rpartition(b"\n")
            for line in whole.splitlines():
                told = msgspec.json.decode(line)
                at = datetime.fromisoformat(told["at"])
                self._provider.handle(told["method"], told["key"], told["body"], at)
            self._read_to += len(whole) + len(newline)
            rest = torn
        if rest:  # whoever wrote it died over it, and never answered
            os.ftruncate(self._file, self._read_to)


def _line(call: _Asked, reply: Reply, at: datetime) -> dict[str, Any]:
    """`amount_minor` is what this very call moved; a repeat moves nothing."""
    result = "refused" if reply.code else "silent" if reply.answer is None else "done"
    return {
        "at": at.isoformat(),
        "method": call.method,
        "key": call.key,
        "order_id": call.body["order_id"],
        "result": result,
        "repeat": reply.repeat,
        "amount_minor": reply.moved_minor,
        "currency": call.body["currency"],
        "code": reply.code,
        "body": call.body,
    }


class HttpPayments(HttpGateway, Payments):
    """A provider behind HTTP. It is told the key of the wish, not that of the call."""

    async def call(self, method: str, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Payments`."""
        return await super().call(method, body.get("key") or key, body)


def from_settings(settings: Settings, ring: KeyRing) -> dict[str, Gateway]:
    """Billing's only gateway; it needs no key of the ring."""
    if url := settings.gateway_urls.get("payments"):
        return {"payments": HttpPayments(url)}
    return {"payments": SandboxPayments(settings.data_dir / "payments.jsonl")}
