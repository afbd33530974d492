"""Revisions of shipping's tables, in the order of their numbers."""
