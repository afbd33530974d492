"""Looking at a running system, and what an operator does to it."""
