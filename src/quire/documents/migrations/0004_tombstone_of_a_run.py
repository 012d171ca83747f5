"""A tombstone stands for one run, not for a document: superseded runs leave traces too."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0003_page_margins"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.DeleteModel("Tombstone"),
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ingestion_id", models.UUIDField(unique=True)),
                ("document_id", models.UUIDField()),
                ("storage_key", models.CharField(max_length=300)),
                ("purge_at", models.DateTimeField(db_index=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={"abstract": False},
        ),
    ]
