"""Viewers: pages of a file as pictures, and where the characters on them stand."""
