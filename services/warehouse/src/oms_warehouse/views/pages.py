"""How lists are read: page by page, row by row."""

from __future__ import annotations

from typing import Any

from sqlmodel import SQLModel

PAGE_ROWS_MAX = 500
"""Most rows of one answer; the next page begins after its last."""


def columns(row: SQLModel) -> dict[str, Any]:
    """What a row holds besides its tenant."""
    return row.model_dump(exclude={"tenant"})
