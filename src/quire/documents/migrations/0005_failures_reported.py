"""When the failure of a run was reported to Sentry."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0004_tombstone_of_a_run")]

    operations = [
        migrations.AddField(
            model_name="ingestion", name="reported_at", field=models.DateTimeField(blank=True, null=True)
        ),
    ]
