from oms_chassis.app import main
from toy.service import service

main(service)
