"""What Pinecone does, after its published OpenAPI: the parts of the reference server in `testing.pinecone_server`."""
