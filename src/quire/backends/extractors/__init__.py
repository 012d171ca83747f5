"""Extractors: a file of one kind in, pages of text out."""
