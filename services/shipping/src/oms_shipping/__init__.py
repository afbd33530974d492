"""Shipping owns rates, labels, the hand-over to the carrier, and tracking.

It holds the goods from packed to handed over and so decides every race between a shipment and
its stop: a stop that comes before the hand-over wins, one that comes later is refused.
"""
