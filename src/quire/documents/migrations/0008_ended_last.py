"""How long the last runs took is asked whenever somebody looks at a document that waits."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0007_page_size")]

    operations = [
        migrations.AddIndex(
            model_name="ingestion",
            index=models.Index(fields=["-finished_at"], name="ingestion_ended_last"),
        ),
    ]
