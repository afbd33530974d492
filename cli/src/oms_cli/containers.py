"""What containers need before the services start: secrets, topics, databases, migrations.

Both commands may be repeated: what is there stays as it is. They leave what the command line
needs to find the system from a container beside the others.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import secrets
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from oms_chassis import migrate
from oms_cli.credentials import draw_keys, make_key_ring, write_private
from oms_cli.stack import MAILBOX, SYSTEM_FILE, TENANT, System
from oms_platform import SERVICES, create_topics, load_topics
from oms_platform.postgres.databases import CHECK_ROLE, prepare_databases, role_name

SECRETS = Path("/run/oms")
DATA = Path("/var/lib/oms")
SERVICE_USER_ID = 10001
"""The user that services run as (Dockerfile)."""
DATABASE_USER_ID = 999
"""The user that the official PostgreSQL image runs as; it reads its own password."""
HTTP_PORT, SMTP_PORT = 8080, 2525
"""Where services and mailbox listen, each in its own container (Dockerfile, compose file)."""
KEYS_FILE = "keys-in-clear.json"

app = typer.Typer(no_args_is_help=True, help="Prepare a system of containers.")


@app.command(name="secrets")
def make_secrets(folder: Path = SECRETS, data: Path = DATA) -> None:
    """Draw passwords, API keys and the key ring, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    make_key_ring(folder / "key-ring.json")
    if not (folder / "api-keys.json").exists():
        keys, lines = draw_keys()
        write_private(folder / KEYS_FILE, msgspec.json.encode(keys))
        write_private(folder / "api-keys.json", msgspec.json.encode(lines))
    for name in ("postgres", CHECK_ROLE, *map(role_name, SERVICES)):
        path = folder / f"{name}-password"
        if not path.exists():
            write_private(path, secrets.token_hex(16).encode())
    _give(folder / "postgres-password", DATABASE_USER_ID)
    for path in (folder / "key-ring.json", folder / "api-keys.json"):
        _give(path)
    for owned in (data, data / "mails"):
        owned.mkdir(parents=True, exist_ok=True)
        _give(owned)


def _give(path: Path, user_id: int = SERVICE_USER_ID) -> None:
    os.chown(path, user_id, user_id)


@app.command()
def prepare(
    kafka: Annotated[str, typer.Option(help="host:port of a broker")],
    postgres: Annotated[str, typer.Option(help="host:port of the database server")],
    folder: Path = SECRETS,
    topics: Path = Path("deploy/topics.toml"),
) -> None:
    """Create topics, databases and roles, and migrate every service's tables."""
    asyncio.run(_prepare(kafka, postgres, folder, topics))


async def _prepare(kafka: str, postgres: str, folder: Path, topics: Path) -> None:
    def password(name: str) -> str:
        return (folder / f"{name}-password").read_text()

    for name in await create_topics(kafka, load_topics(topics)):
        typer.echo(f"topic {name}")
    admin = f"postgresql://postgres:{password('postgres')}@{postgres}/postgres"
    found = await prepare_databases(admin, SERVICES, password)
    for service, dsn in found.dsns.items():
        typer.echo(f"database of {service}")
        await migrate.migrate(dsn, importlib.import_module(f"oms_{service}.migrations"))
        own = folder / service
        own.mkdir(exist_ok=True)
        write_private(own / "oms_database_dsn", dsn.encode())
        _give(own / "oms_database_dsn")
    keys = msgspec.json.decode((folder / KEYS_FILE).read_bytes(), type=dict[str, str])
    system = _describe(kafka, keys, found.check_dsns)
    write_private(folder / SYSTEM_FILE, msgspec.json.encode(system))


def _describe(kafka: str, keys: dict[str, str], check_dsns: dict[str, str]) -> System:
    """Where everything is, seen from another container: each is named like its service."""
    urls = {name: f"http://{name}:{HTTP_PORT}" for name in SERVICES}
    urls[MAILBOX] = f"smtp://{MAILBOX}:{SMTP_PORT}"
    return System(kafka, TENANT, str(DATA), urls, keys, check_dsns)
