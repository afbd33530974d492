"""PostgreSQL on this machine: its programs, one server, the services' databases and roles."""
