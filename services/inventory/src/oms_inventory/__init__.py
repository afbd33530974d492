"""Inventory owns the stock books: how many units of each SKU lie at each location, which of them
are set aside for which order, and who waits, in which order, for units that are not there. It
decides from where an order is served, and it never promises a unit twice.
"""
