"""From records to inputs: nothing in a record stops the reader."""

from pathlib import Path
from typing import ClassVar

from oms_chassis.decision import Invalid
from oms_chassis.intake import Intake
from oms_chassis.metrics import Metrics
from oms_chassis.sealing import KeyRing
from oms_contracts.event import Event


class Superseded(Event):
    """An old version that its own code fails to bring up to date."""

    TYPE: ClassVar[str] = "toy.Superseded.v1"
    TOPIC: ClassVar[str] = "toy.superseded.v1"
    name: str

    def upcast(self) -> Event:
        raise KeyError(self.name)


def test_a_fact_that_its_own_code_fails_on_parks_its_key_and_quotes_nothing(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring.json")
    intake = Intake(
        (Superseded,), None, lambda item: ("account", item.key), "main", ring, Metrics(), 0
    )
    assert intake.body(Superseded.TYPE, b'{"name": "Ada Lovelace"}') == Invalid(
        "KeyError while toy.Superseded.v1 was read"
    )
