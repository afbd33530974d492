"""A second service over the toy's accounts; nobody has created the topics of its own."""

from dataclasses import replace
from typing import ClassVar

from oms_chassis.app import main
from oms_chassis.fold import Kind
from toy.service import BalanceChanged, Deposited, service


class Strayed(Deposited):
    """Money came in by another road."""

    TYPE: ClassVar[str] = "toy.Strayed.v1"
    TOPIC: ClassVar[str] = "toy.strays.v1"


UNTOLD = "toy.untold.v1"
KIND = Kind("account", topics=(BalanceChanged.TOPIC, UNTOLD))
stray = replace(service, name="stray", hears=(Strayed,), kinds=(KIND,))

if __name__ == "__main__":
    main(stray)
