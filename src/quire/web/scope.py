"""Which documents a question is asked of: all of the tenant's, or chosen ones, as an address names them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from quire.chat.models import Conversation
from quire.documents import listing, services
from quire.documents.models import Document, Status
from quire.tenants.models import Tenant

MOST = 100
"""Documents that an address may name."""
OFFERED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One of the chosen documents, and the address that leaves it out; empty for the only one."""

    document: Document
    others: str

    @property
    def is_ready(self) -> bool:
        """It has content that can answer."""
        return self.document.active_ingestion_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """These documents, or all (None); empty when those that were chosen are all gone."""

    documents: tuple[Document, ...] | None = None
    missing: int = 0
    """How many more were chosen, and are not there."""
    is_cut: bool = False
    """More than `MOST` were chosen."""

    @property
    def is_all(self) -> bool:
        return self.documents is None

    @property
    def is_gone(self) -> bool:
        return self.documents == ()

    @property
    def ids(self) -> list[UUID]:
        return [document.id for document in self.documents or ()]

    @property
    def address(self) -> str:
        """Where a new conversation about them begins."""
        return _address(self.ids)

    @property
    def chips(self) -> list[Chip]:
        documents = self.documents or ()
        if len(documents) < 2:
            return [Chip(document=document, others="") for document in documents]
        return [
            Chip(document=document, others=_address([i for i in self.ids if i != document.id]))
            for document in documents
        ]

    def is_only(self, document: Document) -> bool:
        """It is about this document, and no other."""
        return self.ids == [document.id]


def of_address(request: HttpRequest, *, tenant: Tenant) -> Scope:
    """Those that `document` names, as often as it stands there; all where it names none."""
    named = list(dict.fromkeys(request.GET.getlist("document")))
    if not named:
        return Scope()
    ids = [found for text in named[:MOST] if (found := _uuid(text))]
    by_id = {document.id: document for document in services.living(tenant=tenant).filter(id__in=ids)}
    documents = tuple(by_id[i] for i in dict.fromkeys(ids) if i in by_id)
    return Scope(documents=documents, missing=len(named[:MOST]) - len(documents), is_cut=len(named) > MOST)


def of_conversation(conversation: Conversation) -> Scope:
    """Those of its documents that are still there."""
    if conversation.covers_all:
        return Scope()
    documents = conversation.documents.order_by("name", "id")
    living = tuple(document for document in documents if document.status != Status.DELETING)
    return Scope(documents=living, missing=len(documents) - len(living))


def offered(scope: Scope, *, tenant: Tenant, q: str) -> list[Document]:
    """Documents that could be asked too: the newest that are ready, and that have `q` in name or title."""
    ready = listing.find(tenant=tenant, q=q).filter(active_ingestion__isnull=False)
    return list(ready.exclude(id__in=scope.ids).order_by("-created_at", "-id")[:OFFERED])


def _address(ids: list[UUID]) -> str:
    query = urlencode([("document", str(document_id)) for document_id in ids]) or "new"
    return f"{reverse('ask')}?{query}"


def _uuid(text: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(text)
    return None
