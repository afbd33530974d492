"""`python -m oms_billing run | migrate | check`."""

from oms_billing.main import service
from oms_chassis.app import main

main(service)
