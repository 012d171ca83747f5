"""When a tenant had its last turn is asked each time something is sent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0005_failures_reported")]

    operations = [
        migrations.AddIndex(
            model_name="ingestion",
            index=models.Index(fields=["tenant", "-dispatched_at"], name="ingestion_last_turn"),
        ),
    ]
