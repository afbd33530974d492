"""Inventory's database, revision by revision."""
