"""The command line: bring the system up, play into it, look at it, prove it."""
