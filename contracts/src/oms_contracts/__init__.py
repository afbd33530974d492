"""Every event of the system: one frozen class per event and version, grouped by owner.

`event` holds the base and the shared types, `catalogue` lists all events, `wire` says how they
look in Kafka, `gate` keeps versions compatible, `asyncapi` describes it all to other tools.
"""
