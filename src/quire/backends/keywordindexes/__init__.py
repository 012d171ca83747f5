"""Keyword indexes: each implements `core.ports.KeywordIndex`."""
