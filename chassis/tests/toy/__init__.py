"""A service with every kind of behaviour the chassis must carry: accounts that take deposits."""
