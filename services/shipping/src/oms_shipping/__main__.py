"""`python -m oms_shipping run | migrate | check`."""

from oms_chassis.app import main
from oms_shipping.main import service

main(service)
