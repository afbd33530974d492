"""I11: what is personal lies nowhere but where people are meant to read it.

Looked for are the words that somebody planted, and of the customers' own addresses, as channels
wrote them on their topics, a few. Channel topics and mails are meant to hold them; our topics,
tables (dead letters and parked inputs among them), logs, traces and the books of the sandboxes
are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground
from oms_cli.reconcile.log import Secrets, Told, channel_of, is_answers
from oms_contracts import wire
from oms_contracts.channel import OrderPlaced
from oms_platform import SERVICES

ADDRESSES_MAX = 50
"""Of so many orders, the newest, the customer's mail address is looked for."""
WORD_CHARS_MIN = 8
"""A shorter address might be a word that stands somewhere by chance."""
READ_BYTES = 1 << 20

_TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def secrets_of(told: Iterable[Told], planted: Iterable[str]) -> Secrets:
    """What is looked for: the planted words, and addresses that customers gave."""
    placed = [t for t in told if t.type == OrderPlaced.TYPE and not is_answers(t.topic)]
    addresses: set[str] = set()
    for record in reversed(placed):
        if len(addresses) == ADDRESSES_MAX:
            break
        try:
            address = wire.decode(OrderPlaced, record.value).contact.email
        except wire.InvalidBody:
            continue
        addresses |= {address} if len(address) >= WORD_CHARS_MIN else set()
    return Secrets([*planted, *addresses])


async def no_topic_tells_a_secret(ground: Ground) -> Finding:
    """Keys, values and headers of all topics that we write."""
    ours = [t for t in ground.log.told if not channel_of(t.topic) or is_answers(t.topic)]
    wrong = [f"{told}: {_shown(told.secret)}" for told in ours if told.secret]
    return found("I11", "no topic of ours tells a secret", len(ours), wrong, _sought(ground))


async def no_table_keeps_a_secret_in_clear(ground: Ground) -> Finding:
    """Every row of every table as text; what is stored as bytes is hexadecimal there."""
    words = ground.secrets.words
    spelled = "|".join(s for word in words for s in (_escaped(word), word.encode().hex()))
    wrong, count = [], 0
    for name in SERVICES if words else ():
        for (table,) in await ground.stores.rows(name, _TABLES):
            count += 1
            statement = f"SELECT count(*) FROM {table} AS t WHERE t::text ~* $1"
            [(rows,)] = await ground.stores.rows(name, statement, spelled)
            wrong += [f"{name}.{table}: {rows} rows"] if rows else []
    return found("I11", "no table keeps a secret in clear", count, wrong, _sought(ground))


async def no_log_or_trace_tells_a_secret(ground: Ground) -> Finding:
    """Logs of the processes, traces, and what the sandboxes wrote down."""
    wrong = [
        f"{file.name}: {_shown(word)}"
        for file in ground.outside.files
        if (word := _within(ground.secrets, file))
    ]
    count = len(ground.outside.files)
    return found("I11", "no log or trace tells a secret", count, wrong, _sought(ground))


def _within(secrets: Secrets, file: Path) -> str:
    return next((word for line in _lines(file) if (word := secrets.within(line))), "")


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while lines := content.readlines(READ_BYTES):
            yield b"".join(lines)


def _escaped(word: str) -> str:
    return re.sub(r"([^\w@ ])", r"\\\1", word)


def _shown(word: str) -> str:
    """A report is no place for a secret either."""
    return f"{word[:3]}…"


def _sought(ground: Ground) -> str:
    return f"{len(ground.secrets.words)} words looked for"
