"""The order service's database, revision by revision."""
