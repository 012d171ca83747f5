"""Conversations: questions asked of documents, and their answers."""
