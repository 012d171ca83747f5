"""The address under which people and programs reach this service."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def origin(request: HttpRequest) -> str:
    """Scheme, host and port: those that are set, else those that the browser used."""
    return settings.ENV.public_url or f"{request.scheme}://{request.get_host()}"
