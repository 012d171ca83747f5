"""A tenant's newest entries of the history are found at once, also where it has been quiet for long."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0009_turns_taken")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["tenant", "id"], name="event_of_tenant"),
        ),
    ]
