"""Quire: documents in, an answer at once, the long work in the background, citations to the exact passage."""

__version__ = "0.1.0"
