"""The services' databases and roles, on our own server or on a given one.

Per service `x`: database `oms_x`, owned by the login role `oms_x`; nobody else may connect but
`oms_check`, which reads every table of every service, and what the server's sessions are doing,
and can write none.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg

SERVICES = ("order", "inventory", "warehouse", "billing", "shipping", "notify")
CHECK_ROLE = "oms_check"


@dataclass(frozen=True)
class Databases:
    """DSNs (postgresql://role:password@host:port/database) by service."""

    dsns: dict[str, str]
    check_dsns: dict[str, str]


def role_name(service: str) -> str:
    """The service's role, which is also its database. Raises ValueError for no plain name."""
    if not (service.isascii() and service.isidentifier() and service.islower()):
        raise ValueError(f"{service!r} cannot name a database")
    return f"oms_{service}"


def dsn_for(admin_dsn: str, role: str, password: str, database: str) -> str:
    """The admin's DSN with another role, password and database; its host and options stay."""
    parts = urlsplit(admin_dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{host}", path=f"/{database}"))


async def prepare_databases(
    admin_dsn: str, services: Iterable[str], password: Callable[[str], str]
) -> Databases:
    """Make what is missing, set all passwords and grants again; safe to repeat.

    `admin_dsn` must be allowed to create roles and databases. Raises asyncpg.PostgresError or
    OSError if the server refuses or is away.
    """
    names = {service: role_name(service) for service in services}
    admin = await asyncpg.connect(admin_dsn)
    try:
        for role in (*names.values(), CHECK_ROLE):
            await _make_role(admin, role, password(role))
        # A second guard beside the grants.
        await admin.execute(f"ALTER ROLE {CHECK_ROLE} SET default_transaction_read_only = on")
        with suppress(asyncpg.InsufficientPrivilegeError):  # a server of others may not allow it
            await admin.execute(f"GRANT pg_read_all_stats TO {CHECK_ROLE}")
        for name in names.values():
            await _make_database(admin, name)
    finally:
        await admin.close()
    for name in names.values():
        await _grant_reading(admin_dsn, name)
    return Databases(
        {s: dsn_for(admin_dsn, name, password(name), name) for s, name in names.items()},
        {s: dsn_for(admin_dsn, CHECK_ROLE, password(CHECK_ROLE), n) for s, n in names.items()},
    )


async def compress_wal(admin_dsn: str) -> bool:
    """Turn on lz4 for full-page images if this server was built with it."""
    admin = await asyncpg.connect(admin_dsn)
    try:
        offered = await admin.fetchval(
            "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'wal_compression'"
        )
        if offered:
            await admin.execute("ALTER SYSTEM SET wal_compression = 'lz4'")
            await admin.execute("SELECT pg_reload_conf()")
        return bool(offered)
    finally:
        await admin.close()


async def _make_role(admin: asyncpg.Connection, role: str, password: str) -> None:
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await admin.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
    # Statements of this kind take no parameters; the passwords are our own hexadecimal.
    await admin.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{password}'")


async def _make_database(admin: asyncpg.Connection, name: str) -> None:
    if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        # An admin who is no superuser must be a member of the owner it names.
        await admin.execute(f"GRANT {name} TO CURRENT_USER")
        await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    await admin.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    await admin.execute(f"GRANT CONNECT ON DATABASE {name} TO {CHECK_ROLE}")


async def _grant_reading(admin_dsn: str, name: str) -> None:
    parts = urlsplit(admin_dsn)
    admin = await asyncpg.connect(urlunsplit(parts._replace(path=f"/{name}")))
    future = f"ALTER DEFAULT PRIVILEGES FOR ROLE {name}"
    try:
        await admin.execute(
            f"""
            GRANT USAGE ON SCHEMA public TO {CHECK_ROLE};
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO {CHECK_ROLE};
            GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {CHECK_ROLE};
            {future} GRANT USAGE ON SCHEMAS TO {CHECK_ROLE};
            {future} GRANT SELECT ON TABLES TO {CHECK_ROLE};
            {future} GRANT SELECT ON SEQUENCES TO {CHECK_ROLE};
            """
        )
    finally:
        await admin.close()
