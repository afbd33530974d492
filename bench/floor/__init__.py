"""The floor: the records and the rows of a real run, written again by processes without logic.

What an order makes is taken from a session that just ended: per topic the records, per table the
rows inserted, updated and deleted. Six processes like the six services then write the same to the
same broker and into the same tables, in transactions of so many inputs each, and read what the
services read. What they need is what no design could do without; ours divided by it says how much
the deciding costs, on a quiet machine as well as on a noisy one.

Left out, so that the floor is below everybody: reading the stores, triggers, and any thought.
"""
