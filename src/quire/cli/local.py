"""Django, set up for a command that works on this machine's database."""

from __future__ import annotations

import os


def set_up() -> None:
    """Read the settings and load the apps. Raises `SettingsError`. Safe to call twice."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quire.settings")
    import django

    django.setup()
