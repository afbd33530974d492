"""A mail server for this machine that delivers nowhere: every mail is a file to be opened.

    python -m oms_notify.mailbox --dir .oms/mails --port 1025

A mail is kept as `<Message-ID>.eml`. One that comes again under the same Message-ID is counted
in `duplicates.jsonl` and not kept twice. The recipient's name chooses odd behaviour, always the
same: `bounce@…` is refused for good, `later@…` for now, and `silent@…` gets its mail, but the
sender never learns of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
from datetime import UTC, datetime
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

BOUNCE = "bounce"
LATER = "later"
SILENT = "silent"
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+=-]{0,199}")


def behaviour(address: str) -> str:
    """What the recipient's name asks for; empty for ordinary delivery."""
    name = address.partition("@")[0].lower()
    return name if name in (BOUNCE, LATER, SILENT) else ""


def mail_file(folder: Path, message_id: str) -> Path:
    """Where a mail is kept. Odd Message-IDs get a file name of their own that is safe."""
    name = message_id.strip().removeprefix("<").removesuffix(">")
    if not _FILE_NAME.fullmatch(name):
        name = sha256(message_id.encode()).hexdigest()
    return folder / f"{name}.eml"


class Keeper:
    """Keeps mails in a folder; the handler of the SMTP server."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Say whether there is such a mailbox."""
        match behaviour(address):
            case "bounce":
                return "550 5.1.1 no such mailbox"
            case "later":
                return "451 4.2.1 mailbox busy, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.keep(content)
        if any(behaviour(address) == SILENT for address in envelope.rcpt_tos):
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 2.0.0 kept"

    def keep(self, content: bytes) -> bool:
        """Write the file, whole or not at all. False for a mail that was kept before."""
        message_id = str(message_from_bytes(content).get("Message-ID", ""))
        target = mail_file(self._folder, message_id or sha256(content).hexdigest())
        staged = target.with_suffix(f".{os.getpid()}.part")
        staged.write_bytes(content)
        try:
            os.link(staged, target)
        except FileExistsError:
            self._count_duplicate(message_id)
            return False
        finally:
            staged.unlink()
        return True

    def _count_duplicate(self, message_id: str) -> None:
        line = {"at": datetime.now(UTC).isoformat(), "message_id": message_id}
        with (self._folder / "duplicates.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")


async def start(folder: Path, host: str, port: int) -> asyncio.Server:
    """Listen; port 0 takes a free one."""
    keeper = Keeper(folder)
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: SMTP(keeper, hostname="mailbox.local", ident="OMS mailbox"), host, port
    )


async def _serve(folder: Path, host: str, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with await start(folder, host, port) as server:
        bound = server.sockets[0].getsockname()[1]
        print(f"listening on {host}:{bound}, mails are kept in {folder}", flush=True)
        await stopped.wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m oms_notify.mailbox")
    parser.add_argument("--dir", type=Path, required=True, help="where mails are kept")
    parser.add_argument("--port", type=int, default=1025)
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args()
    asyncio.run(_serve(given.dir, given.host, given.port))


if __name__ == "__main__":
    main()
