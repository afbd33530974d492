"""`oms sizing`: machines, disk and what drives the cost, from what the bench measured."""
