"""Holding all processes together to what a provider allows."""
