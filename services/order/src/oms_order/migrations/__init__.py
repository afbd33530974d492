"""The order service's database, revision by revision, and how its history ages."""

from oms_chassis.ageing import HISTORY

AGED = (HISTORY,)
