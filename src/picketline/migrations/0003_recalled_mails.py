"""Mails that were withdrawn while a worker held them are marked, and found again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("picketline", "0002_lease_tokens")]

    operations = [
        migrations.AddField("delivery", "recalled", models.BooleanField(db_default=False)),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["supporter"],
                condition=models.Q(recalled=True),
                name="delivery_recalled",
            ),
        ),
    ]
