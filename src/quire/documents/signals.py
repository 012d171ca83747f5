"""What other parts of Quire may listen to, since documents know nothing of them."""

from __future__ import annotations

from django.dispatch import Signal

document_deleted = Signal()
"""Sent with `document` in the transaction that deletes it, its row locked: an error of a listener undoes the delete."""
