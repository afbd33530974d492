"""Apache Kafka on this machine's Java: the installation, one node, a cluster of nodes."""
