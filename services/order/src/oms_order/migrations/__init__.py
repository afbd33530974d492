"""Revisions of the order service's tables, run in order by `python -m oms_order migrate`."""
