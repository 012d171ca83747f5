"""How large a page's paper is, so that it can be given its room before its picture is there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0006_last_turn")]

    operations = [migrations.AddField(model_name="page", name="size", field=models.JSONField(default=list))]
