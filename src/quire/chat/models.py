"""What was asked, and what was answered."""

from __future__ import annotations

import uuid

from django.db import models

from quire.documents.models import Document
from quire.tenants.models import TenantModel, User


class Conversation(TenantModel):
    """Questions and answers in a row, over one document, some, or all of the tenant's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    documents = models.ManyToManyField(Document, related_name="conversations")
    covers_all = models.BooleanField(default=True)
    """About all of the tenant's documents; otherwise about `documents`, even when all of those have been deleted."""
    title = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "user", "-updated_at"], name="conversation_newest")]

    def __str__(self) -> str:
        return self.title


class Exchange(TenantModel):
    """One question and its answer, as it was shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="exchanges")
    question = models.TextField()
    answer = models.TextField()
    citations = models.JSONField(default=list)
    cited = models.ManyToManyField(Document, related_name="+")
    """The documents of `citations`: an index, so that a delete finds the exchanges that quote it."""
    grounded = models.BooleanField(default=True)
    model = models.CharField(max_length=100)
    notice = models.JSONField(null=True, default=None)
    """What a person should know about how it was made, as `{"code", "message"}`; null when there is nothing."""
    timings = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.question
