"""The fencing tokens of leases come from one sequence, so a later lease always has a higher one."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("picketline", "0001_foundation")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE picketline_lease", "DROP SEQUENCE picketline_lease"
        ),
    ]
