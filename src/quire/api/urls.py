"""The API: every router at its place, with authentication, and errors as problem documents."""

from __future__ import annotations

from django.urls import path
from ninja import NinjaAPI

from quire import __doc__ as about
from quire.api import documents, handlers, task_list, views
from quire.api.auth import AUTH

api = NinjaAPI(
    title="Quire",
    version="1",
    description=about or "",
    urls_namespace="api",
    openapi_url="schema/",
    docs_url=None,
    auth=AUTH,
)
handlers.register(api)
api.add_router("", views.router)
api.add_router("documents/", documents.router)
api.add_router("tasks/", task_list.router)

urlpatterns = [path("api/", api.urls)]
