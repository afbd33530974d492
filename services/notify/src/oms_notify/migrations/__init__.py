"""Revisions of notify's tables, in the order of their numbers."""
