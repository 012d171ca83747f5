"""A tenant had a turn also when what was sent was handed back since."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0008_ended_last")]

    operations = [
        migrations.AddField(
            model_name="ingestion",
            name="turn_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RemoveIndex(model_name="ingestion", name="ingestion_last_turn"),
        migrations.AddIndex(
            model_name="ingestion",
            index=models.Index(fields=["tenant", "-turn_at"], name="ingestion_last_turn"),
        ),
    ]
