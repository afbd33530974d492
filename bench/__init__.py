"""The bench: what this machine carries, what an order costs, and how far that is from the floor.

`plan` says what is measured, `orders` and `load` are the outside world, `running` is the system
under load, `meter`, `footprint` and `record` read what it did, `session` puts a measurement
together, `report` and `plot` show it.
"""
