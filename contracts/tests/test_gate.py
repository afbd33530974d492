"""The gate, seen failing: each test plants one break in a folder of its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar

import pytest
from pydantic import Field

from oms_contracts import gate
from oms_contracts.catalogue import EVENTS
from oms_contracts.event import Event, Name, Qty

TYPE = "oms.test.GoodsMoved.v1"


class GoodsMoved(Event):
    """The event as it was first released."""

    TYPE: ClassVar[str] = TYPE
    TOPIC: ClassVar[str] = "oms.test.v1"

    cause_id: Name
    qty: Qty


class WithNote(GoodsMoved):
    note: Name = "none"


class WithLot(WithNote):
    lot: Name = "none"


class WithoutNote(GoodsMoved):
    lot: Name = "none"


class WithRequired(GoodsMoved):
    lot: Name


class Narrowed(GoodsMoved):
    qty: Annotated[int, Field(strict=True, ge=1, le=10)]


class Retyped(GoodsMoved):
    qty: Name  # type: ignore[assignment]


class Shrunk(Event):
    TYPE: ClassVar[str] = TYPE
    TOPIC: ClassVar[str] = "oms.test.v1"

    cause_id: Name


EXAMPLE = {"cause_id": "GR-1", "qty": 24}


def exemplify(folder: Path, **data: object) -> None:
    (folder / "examples" / f"{TYPE}.json").write_text(json.dumps(data))


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    """A folder in which `GoodsMoved` is released."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "released").mkdir()
    exemplify(tmp_path, **EXAMPLE)
    gate.release(tmp_path, {TYPE: GoodsMoved})
    return tmp_path


def test_what_is_released_and_exemplified_passes(contracts: Path) -> None:
    assert gate.check(contracts, {TYPE: GoodsMoved}) == []


@pytest.mark.parametrize(
    ("today", "says"),
    [
        (Shrunk, "qty: was removed or renamed"),
        (WithRequired, "lot: is new and required"),
        (Narrowed, "qty: maximum was 1000000 and is now 10"),
        (Retyped, "qty: its type was integer and is now string"),
    ],
)
def test_a_break_fails_with_what_to_do(contracts: Path, today: type[Event], says: str) -> None:
    fault = next(fault for fault in gate.check(contracts, {TYPE: today}) if says in fault)
    assert fault.startswith(f"{TYPE}: ")
    assert fault.endswith(gate.NEW_VERSION)


def test_a_break_cannot_be_released_either(contracts: Path) -> None:
    before = sorted((contracts / "released").iterdir())
    with pytest.raises(gate.Incompatible, match="qty: was removed"):
        gate.release(contracts, {TYPE: Shrunk})
    assert sorted((contracts / "released").iterdir()) == before


def test_an_addition_must_be_released_and_then_passes(contracts: Path) -> None:
    exemplify(contracts, **EXAMPLE, note="fragile")
    assert gate.check(contracts, {TYPE: WithNote}) == [
        f"{TYPE}: has additions that are not released; run `{gate.RELEASE}`"
    ]
    assert [path.name for path in gate.release(contracts, {TYPE: WithNote})] == [f"{TYPE}-2.json"]
    assert gate.check(contracts, {TYPE: WithNote}) == []


def test_an_addition_once_released_is_as_firm_as_the_rest(contracts: Path) -> None:
    gate.release(contracts, {TYPE: WithNote})
    gate.release(contracts, {TYPE: WithLot})
    faults = gate.check(contracts, {TYPE: WithoutNote})
    assert any("note: was removed or renamed" in fault for fault in faults)


def test_releasing_twice_changes_nothing(contracts: Path) -> None:
    assert gate.release(contracts, {TYPE: GoodsMoved}) == []


def edit(contracts: Path) -> None:
    path = contracts / "released" / f"{TYPE}.json"
    path.write_text(path.read_text().replace("1000000", "1000001"))


def remove(contracts: Path) -> None:
    (contracts / "released" / f"{TYPE}.json").unlink()


def smuggle(contracts: Path) -> None:
    (contracts / "released" / f"{TYPE}-2.json").write_text("{}")


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (edit, f"released/{TYPE}.json: was edited, but never changes; `git checkout` restores it"),
        (remove, f"released/{TYPE}.json: is gone, but never changes; `git checkout` restores it"),
        (smuggle, f"released/{TYPE}-2.json: was not made by `{gate.RELEASE}`; remove it and run"),
    ],
)
def test_a_released_file_cannot_be_touched(
    contracts: Path, tamper: Callable[[Path], None], says: str
) -> None:
    tamper(contracts)
    assert any(fault.startswith(says) for fault in gate.check(contracts, {TYPE: GoodsMoved}))
    with pytest.raises(gate.Incompatible):
        gate.release(contracts, {TYPE: GoodsMoved})


def test_a_class_without_a_release_and_a_release_without_a_class_fail(contracts: Path) -> None:
    new = {TYPE: GoodsMoved, "oms.test.New.v1": GoodsMoved}
    assert any("oms.test.GoodsMoved.v1: is not released" in f for f in gate.check(contracts, new))
    assert any(f"{TYPE}: is released, but has no class" in f for f in gate.check(contracts, {}))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"cause_id": "GR-1", "qty": 0}, "is not a valid oms.test.GoodsMoved.v1: qty: "),
        ({**EXAMPLE, "colour": "red"}, "is written as"),
    ],
)
def test_an_example_is_what_is_really_written(
    contracts: Path, data: dict[str, object], says: str
) -> None:
    exemplify(contracts, **data)
    (fault,) = gate.check(contracts, {TYPE: GoodsMoved})
    assert says in fault


def test_an_example_that_a_released_reader_would_refuse_fails(contracts: Path) -> None:
    gate.release(contracts, {TYPE: GoodsMoved})
    exemplify(contracts, cause_id="GR-1", qty="24")
    faults = gate.check(contracts, {TYPE: Retyped})
    assert any("released readers refuse it: $.qty '24' is not of type" in f for f in faults)


def test_examples_and_events_are_one_to_one(contracts: Path) -> None:
    (contracts / "examples" / f"{TYPE}.json").rename(
        contracts / "examples" / "oms.test.Old.v1.json"
    )
    assert gate.check(contracts, {TYPE: GoodsMoved}) == [
        f"{TYPE}: has no example; write examples/{TYPE}.json",
        "examples/oms.test.Old.v1.json: no event has this type; rename or remove it",
    ]


def test_the_contracts_of_this_repository_pass() -> None:
    assert gate.check(gate.CONTRACTS, EVENTS) == []


@pytest.mark.parametrize(("arguments", "status"), [(["check"], 0), ([], 2), (["freeze"], 2)])
def test_the_command_tells_success_by_its_status(arguments: list[str], status: int) -> None:
    assert gate.main(arguments) == status
