"""Pages say which of their lines stand apart at an edge; those made before say none."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0002_turns_and_slices")]

    operations = [migrations.AddField("page", "margins", models.JSONField(default=list))]
