"""What a person should know about how an answer was made."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0002_cited")]

    operations = [
        migrations.AddField(model_name="exchange", name="notice", field=models.JSONField(default=None, null=True)),
    ]
