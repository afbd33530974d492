"""Mail through a real SMTP server on this machine, and into a file."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from oms_chassis.gateway import GatewayRefused, GatewayUnknown
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_contracts.channel import Contact
from oms_notify import mailbox
from oms_notify.gateways import FileMail, Mail, SmtpMail, compose, from_settings

Body = Callable[..., dict[str, Any]]


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.create(tmp_path / "keys.json", "2026-11")


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    return tmp_path / "mails"


@pytest.fixture
async def server(mails: Path) -> AsyncIterator[asyncio.Server]:
    async with await mailbox.start(mails, "127.0.0.1", 0) as running:
        yield running


@pytest.fixture
async def smtp(server: asyncio.Server, ring: KeyRing, mails: Path) -> AsyncIterator[SmtpMail]:
    made = SmtpMail(ring, "127.0.0.1", port_of(server), mails)
    yield made
    await made.close()


@pytest.fixture
def body(ring: KeyRing) -> Body:
    def made(email: str = "ada@example.org", name: str = "Ada", **more: Any) -> dict[str, Any]:
        contact = Contact.model_construct(name=name, email=email, phone="", customer_ref="")
        return {
            "message_id": "m-1", "template": "follow_up", "to": "customer",
            "data": {"order_no": "1001"}, "sender": "orders@shop.example", "shop_name": "The Shop",
            "reply_to": "service@shop.example",
            "contact": ring.seal(contact.model_dump_json().encode(), b"test"),
        } | more  # fmt: skip

    return made


def port_of(server: asyncio.Server) -> int:
    port = server.sockets[0].getsockname()[1]
    assert isinstance(port, int)
    return port


def kept(mails: Path) -> list[EmailMessage]:
    read = (message_from_bytes(f.read_bytes(), policy=policy.default) for f in mails.glob("*.eml"))
    return [mail for mail in read if isinstance(mail, EmailMessage)]


async def send(gateway: Mail, body: dict[str, Any]) -> Any:
    return await gateway.call("send", "key", body)


async def test_a_mail_arrives_as_a_file_that_can_be_opened(
    smtp: SmtpMail, mails: Path, body: Body
) -> None:
    await send(smtp, body(name="Ada Lovelace"))
    (mail,) = kept(mails)
    assert (mails / "m-1@shop.example.eml").exists()
    assert mail["To"] == "Ada Lovelace <ada@example.org>"
    assert mail["From"] == "The Shop <orders@shop.example>"
    assert mail["Reply-To"] == "service@shop.example"
    assert mail["Subject"] == "Is everything right with your order 1001?"
    plain, rich = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None and "Hello Ada Lovelace," in plain.get_content()
    assert rich is not None and "<p>Hello Ada Lovelace,</p>" in rich.get_content()


async def test_staff_is_written_to_by_address(smtp: SmtpMail, mails: Path, body: Body) -> None:
    await send(smtp, body(to="customer_service", address="service@shop.example"))
    assert [mail["To"] for mail in kept(mails)] == ["service@shop.example"]


async def test_a_mail_that_comes_again_is_counted_and_not_kept_twice(
    smtp: SmtpMail, mails: Path, body: Body
) -> None:
    for _ in range(3):
        await send(smtp, body())
    duplicates = (mails / "duplicates.jsonl").read_text().splitlines()
    assert len(kept(mails)) == 1 and len(duplicates) == 2


async def test_a_refused_recipient_is_final_and_the_next_mail_goes_out(
    smtp: SmtpMail, mails: Path, body: Body
) -> None:
    with pytest.raises(GatewayRefused) as refusal:
        await send(smtp, body("bounce@example.org"))
    assert refusal.value.code == "550" and "5.1.1" in refusal.value.text
    assert "bounce" not in refusal.value.text
    await send(smtp, body())
    assert len(kept(mails)) == 1


async def test_a_busy_mailbox_is_no_refusal(smtp: SmtpMail, body: Body) -> None:
    with pytest.raises(GatewayUnknown):
        await send(smtp, body("later@example.org"))
    assert await smtp.lookup("send", "key", body()) is None


async def test_a_mail_whose_answer_got_lost_is_found_by_looking(
    smtp: SmtpMail, mails: Path, body: Body
) -> None:
    assert await smtp.lookup("send", "key", body("silent@example.org")) is None
    with pytest.raises(aiosmtplib.SMTPException):
        await send(smtp, body("silent@example.org"))
    assert await smtp.lookup("send", "key", body("silent@example.org")) == {}
    assert len(kept(mails)) == 1


async def test_a_connection_is_used_for_many_mails(
    server: asyncio.Server, smtp: SmtpMail, mails: Path, body: Body
) -> None:
    await send(smtp, body(message_id="m-1"))
    server.close()  # nobody new is let in; whoever is connected may go on
    for n in range(2, 9):
        await send(smtp, body(message_id=f"m-{n}"))
    assert len(kept(mails)) == 8


async def test_mails_sent_at_once_all_arrive(smtp: SmtpMail, mails: Path, body: Body) -> None:
    await asyncio.gather(*(send(smtp, body(message_id=f"m-{n}")) for n in range(40)))
    assert len(kept(mails)) == 40


async def test_a_server_that_went_away_and_came_back_is_used_again(
    ring: KeyRing, mails: Path, body: Body
) -> None:
    first = await mailbox.start(mails, "127.0.0.1", 0)
    port = port_of(first)
    smtp = SmtpMail(ring, "127.0.0.1", port, mails)
    await send(smtp, body(message_id="m-1"))
    first.close()
    await smtp.close()
    with pytest.raises(aiosmtplib.SMTPException):
        await send(smtp, body(message_id="m-2"))
    async with await mailbox.start(mails, "127.0.0.1", port):
        await send(smtp, body(message_id="m-2"))
    await smtp.close()
    assert len(kept(mails)) == 2


@pytest.mark.parametrize(
    "name", ['A" <x@y.example>, "B', "Ada, Bcc: x@y.example", "Ada\u202e", "=?utf-8?q?a=0Ab?=", "Ä"]
)
async def test_a_name_cannot_add_headers_or_recipients(
    smtp: SmtpMail, mails: Path, body: Body, name: str
) -> None:
    await send(smtp, body(name=name, message_id="m-1"))
    (mail,) = kept(mails)
    assert mail["Bcc"] is None and len(mail.get_all("Subject", [])) == 1
    (to,) = mail["To"].addresses
    assert to.addr_spec == "ada@example.org"


@pytest.mark.parametrize(
    "odd", ["Ada\r\nBcc: all@example.org", "Ada\nSubject: owned", "=?utf-8?q?a=0D=0ABcc:_x@y?="]
)
async def test_no_letter_becomes_headers_that_nobody_wrote(
    smtp: SmtpMail, body: Body, odd: str
) -> None:
    letter = smtp.letter(body())
    calm = message_from_bytes(compose(letter)).keys()
    made = compose(replace(letter, name=odd, content=replace(letter.content, subject=odd)))
    assert message_from_bytes(made).keys() == calm


async def test_a_contact_that_breaks_its_contract_is_refused(smtp: SmtpMail, body: Body) -> None:
    with pytest.raises(GatewayRefused) as refusal:
        await send(smtp, body(name="Ada\nB"))
    assert refusal.value.code == "contact"


@pytest.mark.parametrize(
    "data", [{"order_no": "1\r\nBcc: all@example.org"}, {"order_no": "\u202e1\x00"}]
)
async def test_a_subject_cannot_add_headers(
    smtp: SmtpMail, mails: Path, body: Body, data: dict[str, str]
) -> None:
    await send(smtp, body(data=data))
    (mail,) = kept(mails)
    assert mail["Bcc"] is None and "\u202e" not in mail["Subject"]


@pytest.mark.parametrize(
    "email", ["ada@", "@example.org", "a b@example.org", "ada@x\r\nBcc: y@z", ""]
)
async def test_an_address_that_no_mail_can_carry_is_refused(
    smtp: SmtpMail, mails: Path, body: Body, email: str
) -> None:
    staff = body(to="customer_service", address=email)
    with pytest.raises(GatewayRefused):
        await send(smtp, staff)
    assert kept(mails) == []


async def test_a_contact_whose_key_was_destroyed_is_refused(smtp: SmtpMail, body: Body) -> None:
    with pytest.raises(GatewayRefused) as refusal:
        await send(smtp, body(contact="2020-01.AAAA"))
    assert refusal.value.code == "erased"


async def test_a_template_that_lacks_data_is_refused_and_not_tried_again(
    smtp: SmtpMail, body: Body
) -> None:
    with pytest.raises(GatewayRefused) as refusal:
        await send(smtp, body(data={}))
    assert refusal.value.code == "template"


async def test_without_a_server_mails_are_lines_of_a_file_each_once(
    ring: KeyRing, tmp_path: Path, body: Body
) -> None:
    file = tmp_path / "data" / "mails.jsonl"
    mail = FileMail(ring, file)
    for _ in range(2):
        await send(mail, body())
    await mail.close()
    restarted = FileMail(ring, file)
    assert await restarted.lookup("send", "key", body()) == {}
    assert await restarted.lookup("send", "key", body(message_id="m-2")) is None
    await send(restarted, body())
    with pytest.raises(GatewayRefused):
        await send(restarted, body("bounce@example.org", message_id="m-3"))
    await restarted.close()
    (line,) = (json.loads(line) for line in file.open())
    assert line["to"] == "ada@example.org" and line["message_id"] == "<m-1@shop.example>"


async def test_settings_choose_between_a_server_and_a_file(ring: KeyRing, tmp_path: Path) -> None:
    common = {"service": "notify", "kafka_bootstrap": "-", "database_dsn": "-"}
    found = [
        from_settings(Settings(**common, smtp=smtp, data_dir=tmp_path), ring)["mail"]
        for smtp in ("", "127.0.0.1:1025")
    ]
    assert [type(mail) for mail in found] == [FileMail, SmtpMail]
    for mail in found:
        await mail.close()


def test_odd_message_ids_get_safe_file_names(tmp_path: Path) -> None:
    for odd in ("<../../etc/passwd>", "<a/b@c>", "", "<" + "x" * 300 + "@y>", "<.hidden>"):
        assert mailbox.mail_file(tmp_path, odd).resolve().parent == tmp_path.resolve()
        assert not mailbox.mail_file(tmp_path, odd).name.startswith(".")
