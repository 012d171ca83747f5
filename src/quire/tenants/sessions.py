"""Sessions in the database, looked for there only by keys that Django could have made."""

from __future__ import annotations

from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions


class SessionStore(DatabaseSessions):
    """A cookie can hold anything, NUL too, which PostgreSQL refuses to look for: such a visitor has no session."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and super()._validate_session_key(key) and set(key) <= set(VALID_KEY_CHARS))
