"""Which documents an exchange cites becomes an index; exchanges that quote documents deleted before are blanked."""

from __future__ import annotations

from uuid import UUID

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

GONE = "This answer quoted a document that has been deleted."
BLANK = {"document_name": "", "quote": "", "start": -1, "end": -1, "verified": False}


def index(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    documents = apps.get_model("documents", "Document").objects
    for exchange in apps.get_model("chat", "Exchange").objects.exclude(citations=[]).iterator():
        cited = {UUID(citation["document_id"]) for citation in exchange.citations}
        living = set(documents.filter(id__in=cited).exclude(status="deleting").values_list("id", flat=True))
        exchange.cited.set(living)
        if living != cited:
            known = [UUID(citation["document_id"]) in living for citation in exchange.citations]
            exchange.citations = [c if k else c | BLANK for c, k in zip(exchange.citations, known, strict=True)]
            exchange.answer = GONE
            exchange.save(update_fields=["citations", "answer"])


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0001_initial"),
        ("documents", "0004_tombstone_of_a_run"),
    ]

    operations = [
        migrations.AddField(
            model_name="exchange",
            name="cited",
            field=models.ManyToManyField(related_name="+", to="documents.document"),
        ),
        migrations.RunPython(index, migrations.RunPython.noop),
    ]
