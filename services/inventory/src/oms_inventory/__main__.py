"""`python -m oms_inventory run | migrate | check`."""

from oms_chassis.app import main
from oms_inventory.main import service

main(service)
