"""A day at a merchant's: orders from four channels, people at work, and every end predicted."""
