"""The API: every router at its place, with authentication, and errors as problem documents."""

from __future__ import annotations

from django.urls import path
from ninja import NinjaAPI

from quire import __doc__ as about
from quire.api import ask, conversations, documents, events, handlers, keys, pages, task_list, views
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
api.add_router("documents/", pages.router)
api.add_router("", events.router)
api.add_router("", ask.router)
api.add_router("conversations/", conversations.router)
api.add_router("keys/", keys.router)
api.add_router("tasks/", task_list.router)

urlpatterns = [path("api/", api.urls)]
