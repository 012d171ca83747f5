"""Every route, by door."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("quire.ops.urls")),
    path("", include("quire.api.urls")),
    path("", include("quire.web.urls")),
]
