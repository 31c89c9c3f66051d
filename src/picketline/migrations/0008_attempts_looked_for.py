"""That the relay was asked for a mail and did not have it outlives the process that asked."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('picketline', '0007_evidence_by_queue_id'),
    ]

    operations = [
        migrations.AddField(
            model_name='attempt',
            name='looked_for',
            field=models.BooleanField(db_default=False, help_text='The relay was asked for it once, and did not have it then.'),
        ),
    ]
