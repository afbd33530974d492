"""Prints the fault matrix into docs/reliability.md: `python tests/faults/matrix.py`.

What stands in it comes from the tests: which row they declare, and what `--record` wrote down of
their last run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from rows import CHECKOUT, ELSEWHERE, FAULTS, HERE, OPEN, SOMETIMES, Declared, declared

PAGE = CHECKOUT / "docs/reliability.md"
RESULTS = HERE / "results"
BEGIN, END = "<!-- matrix: printed by tests/faults/matrix.py -->", "<!-- end of matrix -->"


@dataclass
class Result:
    """What became of one test: how often it ran, what was wrong, what was seen to happen."""

    number: int
    name: str
    test: str
    runs: int = 0
    failures: int = 0
    """Runs that failed, for violations or for anything else."""
    violations: int = 0
    witnessed: Counter[str] = field(default_factory=Counter)

    def save(self) -> None:
        """Write it down, each test in a file of its own."""
        RESULTS.mkdir(exist_ok=True)
        told = asdict(self) | {"witnessed": dict(sorted(self.witnessed.items()))}
        _file(self.test).write_text(json.dumps(told, indent=1) + "\n")

    @classmethod
    def load(cls, test: str) -> Result | None:
        """What is written down of a test; None if it was never recorded."""
        if not _file(test).exists():
            return None
        told: dict[str, Any] = json.loads(_file(test).read_text())
        return cls(**told | {"witnessed": Counter(told["witnessed"])})


def _file(test: str) -> Any:
    return RESULTS / (test.removeprefix("test_").replace(".py::test_", "--") + ".json")


def lines() -> Iterator[str]:
    """The matrix as a table."""
    yield "| # | What breaks | How, and the test | Runs | Violations | Witnessed |"
    yield "|---|---|---|---|---|---|"
    rows = list(declared())
    for number, fault in FAULTS.items():
        mine = [one for one in rows if one.number == number]
        for one in mine:
            yield _covered(one, fault)
        for test in ELSEWHERE.get(number, ()):
            yield f"| {number} | {fault} | `{test}` | every `make test` | 0 | |"
        if number in OPEN:
            yield f"| {number} | {fault} | **open**: {OPEN[number]} | | | |"


def _covered(one: Declared, fault: str) -> str:
    test = f"{one.name}: `{one.test}`"
    result = Result.load(one.test)
    if result is None:
        return f"| {one.number} | {fault} | {test} | never recorded | | |"
    seen = "; ".join(f"{count} {what}" for what, count in sorted(result.witnessed.items()))
    runs = f"{result.runs}, {result.failures} failed" if result.failures else f"{result.runs}"
    return f"| {one.number} | {fault} | {test} | {runs} | {result.violations} | {seen} |"


def witnesses(of: str) -> dict[str, int]:
    """The tests that saw it happen when they were recorded, and how often."""
    seen = {one.test: Result.load(one.test) for one in declared()}
    return {
        test: result.witnessed[of]
        for test, result in seen.items()
        if result and of in result.witnessed
    }


def sometimes() -> Iterator[str]:
    """What must have happened somewhere, and where it did."""
    yield "| What must have happened somewhere | Seen | By |"
    yield "|---|---|---|"
    for what, witness in SOMETIMES.items():
        seen = witnesses(witness)
        tests = ", ".join(f"`{test}`" for test in seen) or "**nobody**"
        yield f"| {what} | {sum(seen.values())} {witness} | {tests} |"


def page(text: str) -> str:
    """The page with the matrix as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = "\n".join([*lines(), "", *sometimes()])
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
