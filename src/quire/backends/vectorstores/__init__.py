"""Vector stores: each implements `core.ports.VectorStore`."""
