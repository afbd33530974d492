"""The warehouse: whatever hands do to goods.

It owns bins, receiving, counts and damage, purchase orders with suppliers, and the fulfilments
of released orders: pick lists, picking and packing by scanning, short picks, and stopping with
put-back. How many units may be promised is the inventory's book; this service tells it what
was physically seen.
"""
