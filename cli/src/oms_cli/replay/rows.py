"""Rows of the public *Online Retail* format (UCI, doi 10.24432/C5BW33), `.csv` or `.csv.xz`."""

from __future__ import annotations

import csv
import lzma
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

COLUMNS = (
    "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID",
    "Country",
)  # fmt: skip


class NotOnlineRetail(ValueError):
    """A file that lacks columns of the format."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an invoice. `fault` says why it could not be read; then only text is in it."""

    number: int
    """Which row of the file it is, counted from 1 below the header."""
    invoice: str
    code: str
    description: str
    qty: int
    price: Decimal
    customer: str
    """Empty for a guest."""
    country: str
    at: datetime
    fault: str = ""


def read_rows(path: Path) -> Iterator[Row]:
    """Every row of a file. Raises NotOnlineRetail, OSError, or lzma.LZMAError for a broken one."""
    with closing(_open(path)) as file:
        lines = csv.DictReader(file)
        missing = set(COLUMNS) - set(lines.fieldnames or ())
        if missing:
            raise NotOnlineRetail(f"{path.name} lacks the columns {', '.join(sorted(missing))}")
        for number, line in enumerate(lines, 1):
            yield _row(number, line)


def _open(path: Path) -> TextIO:
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8", errors="replace", newline="")
    return path.open(encoding="utf-8", errors="replace", newline="")


def _row(number: int, line: dict[str, str | None]) -> Row:
    text = {name: (line.get(name) or "").strip() for name in COLUMNS}
    fault, qty, price, at = "", 0, Decimal(0), datetime.min.replace(tzinfo=UTC)
    try:
        qty = int(text["Quantity"])
        price = Decimal(text["UnitPrice"])
        at = datetime.fromisoformat(text["InvoiceDate"]).replace(tzinfo=UTC)
        if not text["InvoiceNo"] or not text["StockCode"] or not price.is_finite():
            fault = "no invoice, no code or no price"
    except (ValueError, InvalidOperation) as error:
        fault = f"{type(error).__name__}: {error}"
    return Row(
        number, text["InvoiceNo"], text["StockCode"], text["Description"], qty, price,
        text["CustomerID"], text["Country"], at, fault,
    )  # fmt: skip
