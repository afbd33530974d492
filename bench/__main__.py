"""`python -m bench`, in a checkout."""

from bench.command import main

main()
