"""I10: nothing is left lying about: no garbage nobody meant, no transaction nobody ends."""

from __future__ import annotations

from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground
from oms_cli.reconcile.log import Spot, channel_of, is_answers
from oms_platform import SERVICES

OPEN_SECONDS = 30.0
"""A transaction that is open and does nothing for so long has been forgotten. Twice the longest
statement."""

_DEAD = 'SELECT topic, partition, "offset", reason FROM dead_letter ORDER BY at'
_SESSIONS = """
SELECT count(*), count(state) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
"""
_FORGOTTEN = """
SELECT application_name, state, extract(epoch FROM now() - state_change)::int AS seconds
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND state LIKE 'idle in transaction%' AND state_change < now() - make_interval(secs => $1)
"""
_PREPARED = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
_LOCKS = """
SELECT l.locktype, l.mode, coalesce(a.application_name, 'nobody') AS holder
FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
WHERE a.pid IS NULL
   OR (l.locktype = 'advisory' AND a.state = 'idle'
       AND a.state_change < now() - make_interval(secs => $1))
   OR (NOT l.granted AND l.waitstart < now() - make_interval(secs => $1))
"""


async def dead_letters_are_those_expected(ground: Ground) -> Finding:
    """Where it is known which records were poisoned, these are the dead letters and no others.
    Otherwise channels may write what they like, and nothing else is garbage. (What a person had
    skipped is no garbage.)
    """
    dead: dict[Spot, str] = {}
    for name in SERVICES:
        for topic, partition, offset, reason in await ground.stores.rows(name, _DEAD):
            dead[topic, partition, offset] = f"{topic}[{partition}]@{offset}: {reason} ({name})"
    buried = {spot: what for spot, what in dead.items() if spot[0] != "parked"}
    if ground.injected is None:
        wrong = [what for (topic, *_), what in buried.items() if not _is_foreign(topic)]
    else:
        wrong = [what for spot, what in buried.items() if spot not in ground.injected]
        lost = ground.injected - buried.keys()
        wrong += [f"{topic}[{n}]@{offset}: no dead letter" for topic, n, offset in lost]
    return found("I10", "dead letters are those expected", len(dead), wrong)


def _is_foreign(topic: str) -> bool:
    return bool(channel_of(topic)) and not is_answers(topic)


async def no_transaction_is_forgotten(ground: Ground) -> Finding:
    """Nobody holds a transaction open and does nothing; none is prepared and never ended.

    (A database server that is not ours may not let us see what others do.)
    """
    wrong: list[str] = []
    count = hidden = 0
    for name in SERVICES:
        [(sessions, seen)] = await ground.stores.rows(name, _SESSIONS)
        count, hidden = count + seen, hidden + sessions - seen
        for application, state, seconds in await ground.stores.rows(name, _FORGOTTEN, OPEN_SECONDS):
            wrong.append(f"{name}: {application or 'somebody'} is {state} since {seconds} s")
        for (gid,) in await ground.stores.rows(name, _PREPARED):
            wrong.append(f"{name}: transaction {gid!r} is prepared and nobody ends it")
    note = f"{hidden} sessions may not be seen" if hidden else ""
    return found("I10", "no transaction is forgotten", count, wrong, note)


async def no_lock_is_orphaned(ground: Ground) -> Finding:
    """Every lock has somebody who is at work, and nobody waits for one for long."""
    wrong = []
    for name in SERVICES:
        for kind, mode, holder in await ground.stores.rows(name, _LOCKS, OPEN_SECONDS):
            wrong.append(f"{name}: {mode} on a {kind} of {holder}")
    return found("I10", "no lock is orphaned", len(SERVICES), wrong)


async def nothing_goes_on_at_rest(ground: Ground) -> Finding:
    """Where rest is demanded, everything was read and sent, and then nothing more was written."""
    if ground.rest is None:
        return found("I10", "nothing goes on at rest", 0, (), "rest was not demanded")
    wrong = [*ground.rest.moved, *ground.rest.grew]
    return found("I10", "nothing goes on at rest", len(SERVICES), wrong)
