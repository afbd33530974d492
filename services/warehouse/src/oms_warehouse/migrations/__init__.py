"""Schema changes of the warehouse, in order; run by `python -m oms_warehouse migrate`."""
