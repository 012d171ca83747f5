"""Chunkers: cut pages into chunks."""
