"""The table of faults in runtime/README.md names tests that exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parent


def missing(table: str, sources: str) -> list[str]:
    """Tests that `table` names and `sources` do not define."""
    return [n for n in re.findall(r"`(test_\w+)`", table) if f"def {n}(" not in sources]


def test_a_test_that_does_not_exist_is_found() -> None:
    assert missing("| x | `test_a`, `test_b` |", "def test_a() -> None: ...") == ["test_b"]


def test_every_fault_of_the_table_has_its_test() -> None:
    sources = "".join(file.read_text() for file in TESTS.rglob("test_*.py"))
    assert missing((TESTS / "runtime" / "README.md").read_text(), sources) == []
