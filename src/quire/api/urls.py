"""The API: every router at its place, with authentication, and errors as problem documents."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.urls import path
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from quire import __doc__ as about
from quire.api import ask, conversations, docs, documents, events, handlers, keys, pages, problems, task_list, views
from quire.api.auth import AUTH
from quire.api.schemas import ProblemOut


class QuireAPI(NinjaAPI):
    """Ninja's API, whose document also tells what an error looks like."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        document["components"]["schemas"]["ProblemOut"] = ProblemOut.model_json_schema()
        problem = {
            "description": "An error, with its `code`",
            "content": {problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
        }
        for methods in document["paths"].values():
            for operation in methods.values():
                operation["responses"]["default"] = problem
        return document


api = QuireAPI(
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

urlpatterns = [
    path("api/docs/", partial(docs.page, api=api), name="api_docs"),
    path("api/", api.urls),
]
