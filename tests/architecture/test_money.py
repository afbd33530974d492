"""Money never goes through a float, and every service writes an amount in the same digits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from oms_billing.documents import money as invoiced
from oms_cli.money import amount
from oms_notify.documents import money as mailed
from oms_order.domain.currencies import MINOR_DIGITS, shown

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for folder in ("contracts/src", "chassis/src", "cli/src", "services")
    for path in (ROOT / folder).rglob("*.py")
    if "tests" not in path.relative_to(ROOT).parts
)
MONEY = ("minor", "amount", "price", "balance", "gross", "total_", "money")
"""What names of money have in them."""
LOSSY_CALLS = ("float", "round", "Float", "Numeric", "REAL")


def faults(source: str) -> Iterator[str]:
    """Everything by which an amount could lose a unit: `/`, float(…), round(…), a float's name."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.BinOp(op=ast.Div(), left=left, right=right) if _money(left) or _money(right):
                yield f"{node.lineno}: {ast.unparse(node)} divides money"
            case ast.Call(func=ast.Name(id=name)) if name in LOSSY_CALLS and _money(node):
                yield f"{node.lineno}: {ast.unparse(node)} rounds money"
            case ast.AnnAssign(target=target, annotation=of) if _money(target) and _lossy(of):
                yield f"{node.lineno}: {ast.unparse(node)} keeps money as a float"
            case ast.arg(arg=name, annotation=ast.AST() as of) if _is_money(name) and _lossy(of):
                yield f"{node.lineno}: {name} takes money as a float"


def _money(node: ast.AST) -> bool:
    named = (n for n in ast.walk(node) if isinstance(n, ast.Name | ast.Attribute))
    words = (n.id if isinstance(n, ast.Name) else n.attr for n in named)
    texts = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    return any(map(_is_money, words)) or any(
        isinstance(text, str) and text.endswith("_minor") for text in texts
    )


def _is_money(name: str) -> bool:
    return any(word in name.lower() for word in MONEY) and "digits" not in name.lower()


def _lossy(annotation: ast.AST) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "float" for n in ast.walk(annotation))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_amount_goes_through_a_float(path: Path) -> None:
    assert list(faults(path.read_text())) == []


@pytest.mark.parametrize(
    "planted",
    [
        "half = line.total_minor / 2",
        "tax = round(price_minor * 0.19)",
        "x = float(body['amount_minor'])",
        "class A:\n    refunded_minor: float = 0.0",
        "def pay(amount: float | None) -> None: ...",
    ],
)
def test_a_planted_float_is_found(planted: str) -> None:
    assert list(faults(planted))


@pytest.mark.parametrize("currency", sorted(MINOR_DIGITS))
def test_everybody_writes_an_amount_alike(currency: str) -> None:
    digits = MINOR_DIGITS[currency]
    for minor in (0, 1, 5, 12_345, 10**12):
        written = shown(minor, currency)
        assert mailed(minor, currency) == written
        assert invoiced(minor, currency) == amount(minor, currency)
        assert invoiced(minor, currency).replace(",", "") == written
        whole, _, part = written.removesuffix(f" {currency}").partition(".")
        assert len(part) == digits and int(whole + part) == minor
