"""`python -m oms_warehouse run | migrate | check`."""

from oms_chassis.app import main
from oms_warehouse.main import service

main(service)
