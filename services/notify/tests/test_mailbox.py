"""The local mail server as people start it."""

import asyncio
import sys
from pathlib import Path

import aiosmtplib


async def test_the_mail_server_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "oms_notify.mailbox", "--dir", str(folder), "--port", "0",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
    port = int(line.split(",")[0].rpartition(":")[2])
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as server:
        mail = b"Message-ID: <m-1@shop.example>\r\nSubject: hello\r\n\r\nhello\r\n"
        await server.sendmail("a@example.org", ["b@example.org"], mail)
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert b"Subject: hello" in (folder / "m-1@shop.example.eml").read_bytes()
