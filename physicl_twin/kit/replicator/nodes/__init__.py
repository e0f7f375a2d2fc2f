"""Graph nodes that a Replicator trigger drives."""
