"""Lines of the relay's log name a queue id; it is looked up for each that is not remembered."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('picketline', '0006_replies_kept'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='evidence',
            index=models.Index(fields=['queue_id'], name='evidence_by_queue_id'),
        ),
    ]
