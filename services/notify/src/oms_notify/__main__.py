"""`python -m oms_notify run | migrate | check`."""

from oms_chassis.app import main
from oms_notify.main import service

main(service)
