"""A third way for replies: kept for the organisers. Whoever wrote by their own mail has no country."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('picketline', '0005_post_office'),
    ]

    operations = [
        migrations.AlterField(
            model_name='publicname',
            name='country',
            field=models.CharField(blank=True, max_length=2),
        ),
        migrations.AlterField(
            model_name='supporter',
            name='country',
            field=models.CharField(blank=True, help_text='Empty: not told.', max_length=2),
        ),
        migrations.AlterField(
            model_name='supporter',
            name='replies',
            field=models.CharField(choices=[('alias', 'to an address of ours, which passes their text on to the writer'), ('keep', 'to an address of ours, for the organisers only'), ('writer', "to the writer's own address")], default='alias', max_length=8),
        ),
    ]
