"""`python -m oms_order run | migrate | check`."""

from oms_chassis.app import main
from oms_order.main import service

main(service)
