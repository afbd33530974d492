"""Every event of the system: one frozen class per event and version, grouped by owner."""
