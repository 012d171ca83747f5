"""Sessions in the database, looked for there only by keys that Django could have made."""

from __future__ import annotations

from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions

_SHORTEST = 8
"""As Django has it."""


class SessionStore(DatabaseSessions):
    """A cookie can hold anything, NUL too, which PostgreSQL refuses to look for: such a visitor has no session."""

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and len(key) >= _SHORTEST and set(key) <= set(VALID_KEY_CHARS)
