"""Mail as notify sees it: by SMTP, or kept in a file where no server is configured."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

import aiosmtplib
from pydantic import ValidationError

from oms_chassis.gateway import Gateway, GatewayRefused, GatewayUnknown, Repeat
from oms_chassis.sealing import KeyRing, SealError
from oms_chassis.settings import Settings
from oms_contracts.channel import Contact
from oms_notify.documents import Rendered, render, visible
from oms_notify.domain import Role
from oms_notify.mailbox import BOUNCE, behaviour, mail_file

CONNECTIONS_MAX = 8
"""Mails on their way at once, each over a connection of its own that is used again."""
IDLE_SECONDS_MAX = 30.0
"""Servers hang up on idle clients: a connection unused for longer is not trusted."""
_ENHANCED_CODE = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to be sent, in clear: it lives no longer than the call."""

    message_id: str
    sender: str
    shop_name: str
    reply_to: str
    email: str
    name: str
    content: Rendered


class Mail(Gateway):
    """What notify asks of mail: `send` → `{}`.

    The body names the template and its data, and whom to write to: the customer by a sealed
    `contact`, staff by `address`. The Message-ID is made of the body's `message_id`, so that a
    mail can be found again. Refusals are final and their texts hold nothing personal.
    """

    repeat: ClassVar[Mapping[str, Repeat]] = {"send": Repeat.BY_LOOKUP}
    timeout_seconds = 15.0
    in_flight_max = CONNECTIONS_MAX
    attempts_max = 4

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def letter(self, body: Mapping[str, Any]) -> Letter:
        """Open the contact and fill the template in; what cannot be made is refused."""
        name, email = self._reader(body)
        try:
            content = render(body["template"], body["data"], name)
        except (KeyError, OSError) as error:
            raise GatewayRefused("template", f"{body['template']} lacks {error}") from None
        return Letter(
            message_id=message_id(body),
            sender=body["sender"],
            shop_name=body["shop_name"],
            reply_to=body["reply_to"],
            email=email,
            name=name,
            content=content,
        )

    def _reader(self, body: Mapping[str, Any]) -> tuple[str, str]:
        if body["to"] != Role.CUSTOMER:
            return "", body["address"]
        try:
            contact = Contact.model_validate_json(self._ring.open(body["contact"]))
        except SealError:
            raise GatewayRefused("erased", "the customer's contact was erased") from None
        except ValidationError:
            raise GatewayRefused("contact", "the customer's contact cannot be read") from None
        return contact.name, contact.email


def message_id(body: Mapping[str, Any]) -> str:
    """The Message-ID: the same whenever the same message is tried again."""
    return f"<{body['message_id']}@{body['sender'].rpartition('@')[2]}>"


def compose(letter: Letter) -> bytes:
    """The mail as it travels. Raises GatewayRefused for an address that no mail can carry."""
    mail = EmailMessage(policy=SMTP_POLICY)
    try:
        mail["From"] = Address(_phrase(letter.shop_name), addr_spec=letter.sender)
        mail["To"] = Address(_phrase(letter.name), addr_spec=letter.email)
        mail["Reply-To"] = Address(addr_spec=letter.reply_to)
        mail["Subject"] = _phrase(letter.content.subject)
    except (ValueError, IndexError, MessageError):  # what the parser says of odd addresses
        raise GatewayRefused("address", "no mail can be written to this address") from None
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = letter.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.content.text)
    mail.add_alternative(letter.content.html, subtype="html")
    return mail.as_bytes()


def _phrase(text: str) -> str:
    """Text for a header. An RFC 2047 encoded word in it would be decoded on the way into the
    header, line ends and all, so what looks like the beginning of one is taken apart."""
    return visible(text).replace("=?", "= ?")


class SmtpMail(Mail):
    """Mail by SMTP. With `kept_in`, the folder of the local mail server, it can be looked up."""

    def __init__(self, ring: KeyRing, host: str, port: int, kept_in: Path | None = None) -> None:
        super().__init__(ring)
        self._host, self._port, self._kept_in = host, port, kept_in
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []

    async def call(self, method: str, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        letter = self.letter(body)
        content = compose(letter)
        async with self._connection() as server:
            try:
                await server.sendmail(letter.sender, [letter.email], content)
            except aiosmtplib.SMTPRecipientsRefused as error:
                raise _verdict(error.recipients[0].code, error.recipients[0].message) from None
            except aiosmtplib.SMTPResponseException as error:
                raise _verdict(error.code, error.message) from None
        return {}

    async def lookup(
        self, method: str, key: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """Whether the local mail server has it. Elsewhere nobody can tell, so it is sent again."""
        if self._kept_in is not None and mail_file(self._kept_in, message_id(body)).exists():
            return {}
        return None

    async def close(self) -> None:
        while self._idle:
            _, server = self._idle.pop()
            server.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection for one mail; it is kept only if the conversation ended well."""
        server = self._unused() or await self._connect()
        try:
            yield server
        except (GatewayRefused, GatewayUnknown):
            self._keep(server)
            raise
        except BaseException:
            server.close()
            raise
        self._keep(server)

    def _unused(self) -> aiosmtplib.SMTP | None:
        while self._idle:
            since, server = self._idle.pop()
            if server.is_connected and monotonic() - since < IDLE_SECONDS_MAX:
                return server
            server.close()
        return None

    async def _connect(self) -> aiosmtplib.SMTP:
        server = aiosmtplib.SMTP(
            hostname=self._host, port=self._port, start_tls=False, timeout=self.timeout_seconds
        )
        await server.connect()
        return server

    def _keep(self, server: aiosmtplib.SMTP) -> None:
        if server.is_connected:
            self._idle.append((monotonic(), server))


def _verdict(code: int, message: str) -> GatewayRefused | GatewayUnknown:
    """5xx is final, 4xx is for now. Only codes are passed on: servers quote addresses."""
    found = _ENHANCED_CODE.search(message)
    told = f"{code} {found[0]}" if found else str(code)
    if code >= 500:
        return GatewayRefused(str(code), f"the mail server refused the message ({told})")
    return GatewayUnknown(f"the mail server does not take the message now ({told})")


class FileMail(Mail):
    """Mails as JSON lines in one file, for where no mail server is wanted.

    `bounce@…` is refused here as well. The file is the ground truth: what is in it is not
    written twice, also after a restart.
    """

    def __init__(self, ring: KeyRing, file: Path) -> None:
        super().__init__(ring)
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("a+b", buffering=0)
        self._file.seek(0)
        self._known = {json.loads(line)["message_id"] for line in self._file}

    async def call(self, method: str, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        letter = self.letter(body)
        if behaviour(letter.email) == BOUNCE:
            raise GatewayRefused("550", "the mail server refused the message (550 5.1.1)")
        if letter.message_id not in self._known:
            self._known.add(letter.message_id)
            line = {
                "at": datetime.now(UTC).isoformat(),
                "message_id": letter.message_id,
                "template": body["template"],
                "role": body["to"],
                "to": letter.email,
                "subject": letter.content.subject,
                "text": letter.content.text,
            }
            self._file.write(json.dumps(line).encode() + b"\n")
        return {}

    async def lookup(
        self, method: str, key: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        return {} if message_id(body) in self._known else None

    async def close(self) -> None:
        self._file.close()


def from_settings(settings: Settings, ring: KeyRing) -> dict[str, Gateway]:
    """Mail by the server that is configured, else into a file below the data directory."""
    if not settings.smtp:
        return {"mail": FileMail(ring, settings.data_dir / "mails.jsonl")}
    host, _, port = settings.smtp.rpartition(":")
    return {"mail": SmtpMail(ring, host, int(port), settings.data_dir / "mails")}
