"""Set-based statements, generated from the SQLModel tables: no column list is written twice.

Every statement takes the tenant as `$1` and one array per column after it. Array columns are
not supported: `unnest` would flatten them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def columns(model: type[SQLModel]) -> tuple[str, ...]:
    """Columns that are written, in the table's own order, without the tenant."""
    columns = _table(model).columns
    return tuple(c.name for c in columns if c.name != "tenant" and c.computed is None)


def lock(model: type[SQLModel], key: str, names: Sequence[str]) -> str:
    """Lock and read rows by key, in key order: the one order in which every replica locks."""
    return (
        f"SELECT {', '.join((key, *names))} FROM {_name(model)} "
        f"WHERE tenant = $1 AND {key} = ANY($2::text[]) ORDER BY {key} FOR UPDATE"
    )


def insert(model: type[SQLModel], names: Sequence[str], on_conflict: str = "") -> str:
    """Insert rows given as one array per column. A root is born by this and never by an upsert."""
    return (
        f"INSERT INTO {_name(model)} (tenant, {', '.join(names)}) "
        f"SELECT $1, u.* FROM {_unnest(model, names)} AS u {on_conflict}"
    ).rstrip()


def ignore() -> str:
    """`insert`'s clause for rows that may be there already."""
    return "ON CONFLICT DO NOTHING"


def replace(model: type[SQLModel], names: Sequence[str]) -> str:
    """`insert`'s clause for rows whose newest version counts."""
    key = primary_key(model)
    changing = [n for n in names if n not in key]
    changes = ", ".join(f"{n} = EXCLUDED.{n}" for n in changing)
    return f"ON CONFLICT (tenant, {', '.join(key)}) DO UPDATE SET {changes}"


def update(model: type[SQLModel], key: str, names: Sequence[str]) -> str:
    """Write new values of `names` to rows by key."""
    changes = ", ".join(f"{n} = u.{n}" for n in names)
    given = (key, *names)
    return (
        f"UPDATE {_name(model)} AS t SET {changes} FROM {_unnest(model, given)} "
        f"AS u({', '.join(given)}) WHERE t.tenant = $1 AND t.{key} = u.{key}"
    )


def primary_key(model: type[SQLModel]) -> tuple[str, ...]:
    """Names of the primary key's columns, without the tenant."""
    return tuple(c.name for c in _table(model).primary_key.columns if c.name != "tenant")


def _unnest(model: type[SQLModel], names: Sequence[str]) -> str:
    table = _table(model)
    types = [table.columns[n].type.compile(dialect=_DIALECT) for n in names]
    return f"unnest({', '.join(f'${n}::{t}[]' for n, t in enumerate(types, start=2))})"


def _name(model: type[SQLModel]) -> str:
    return f'"{_table(model).name}"'


def _table(model: type[SQLModel]) -> Table:
    return model.__table__  # type: ignore[attr-defined,no-any-return]
