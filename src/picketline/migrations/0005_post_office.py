"""The post office: pacing, evidence from the relay's log, and whatever comes back."""

import django.db.models.deletion
from django.db import migrations, models


# Whoever queues a mail wakes the workers that wait for one (docs/delivery.md). Once for each
# statement, whatever the number of mails; PostgreSQL sends it when the transaction is committed.
WAKE = """
CREATE FUNCTION picketline_wake_workers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('picketline_due', '');
    RETURN NULL;
END $$;
CREATE TRIGGER picketline_wake_workers AFTER INSERT ON picketline_delivery
FOR EACH STATEMENT EXECUTE FUNCTION picketline_wake_workers();
"""
# An attempt is written three times within a second: with room on its page the second and the third
# time touch no index.
ROOM = "ALTER TABLE picketline_attempt SET (fillfactor = 50)"
NO_ROOM = "ALTER TABLE picketline_attempt RESET (fillfactor)"
SLEEP = """
DROP TRIGGER picketline_wake_workers ON picketline_delivery;
DROP FUNCTION picketline_wake_workers();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('picketline', '0004_only_cancels'),
    ]

    operations = [
        migrations.CreateModel(
            name='Gate',
            fields=[
                ('name', models.CharField(max_length=300, primary_key=True, serialize=False)),
                ('tokens', models.FloatField(help_text='Null: the bucket is full.', null=True)),
                ('filled_at', models.DateTimeField(null=True)),
                ('day', models.DateField(null=True)),
                ('day_count', models.PositiveIntegerField(default=0)),
                ('breaker', models.CharField(choices=[('closed', 'mail passes'), ('open', 'nothing passes for a while'), ('half-open', 'one mail is on its way to see')], default='closed', max_length=9)),
                ('failures', models.PositiveIntegerField(default=0, help_text='In a row.')),
                ('openings', models.PositiveIntegerField(default=0, help_text='In a row: each lasts longer.')),
                ('open_until', models.DateTimeField(null=True)),
                ('paused_by', models.CharField(blank=True, choices=[('person', 'somebody stopped it'), ('policy', 'they block us: a person has to look')], max_length=6)),
                ('paused_at', models.DateTimeField(null=True)),
                ('last_served_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='IncomingMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('door', models.CharField(choices=[('envelope', 'the envelope sender of one delivery'), ('reply', 'the reply alias of one letter'), ('copy', "a campaign's copy address"), ('unsubscribe', 'the unsubscribe alias of one delivery'), ('sender', "a campaign's visible sender address")], max_length=12)),
                ('state', models.CharField(choices=[('received', 'not looked at yet'), ('sorted', 'its kind is known'), ('quarantined', 'it could not be examined safely')], default='received', max_length=12)),
                ('kind', models.CharField(blank=True, choices=[('bounce', 'Bounce'), ('complaint', 'Complaint'), ('auto-reply', 'Auto Reply'), ('reply', 'Reply'), ('copy', 'Copy'), ('unsubscribe', 'Unsubscribe'), ('unknown', 'Unknown')], max_length=12)),
                ('received_at', models.DateTimeField()),
                ('sorted_at', models.DateTimeField(null=True)),
                ('raw_ct', models.BinaryField(null=True)),
                ('content_ct', models.BinaryField(null=True)),
                ('fingerprint', models.BinaryField(max_length=32, null=True, unique=True)),
                ('permanent', models.BooleanField(help_text='Of a bounce: whether it is for good.', null=True)),
                ('enhanced_code', models.CharField(blank=True, max_length=12)),
                ('reason', models.CharField(blank=True, help_text='Why it is of this kind.', max_length=40)),
                ('publication', models.CharField(blank=True, choices=[('held', 'waits for an organiser'), ('published', "stands on the campaign's page"), ('declined', 'an organiser decided against it')], max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='Times it was examined.')),
                ('examine_at', models.DateTimeField(help_text='When it is to be examined, or examined again.')),
            ],
        ),
        migrations.CreateModel(
            name='PublishedReply',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('language', models.CharField(blank=True, max_length=12)),
                ('replied_on', models.DateField()),
                ('published_on', models.DateField()),
            ],
            options={
                'verbose_name_plural': 'published replies',
                'ordering': ['replied_on', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='RelayLog',
            fields=[
                ('relay', models.CharField(max_length=120, primary_key=True, serialize=False)),
                ('inode', models.BigIntegerField()),
                ('offset', models.BigIntegerField()),
                ('mark', models.BinaryField(max_length=32)),
                ('read_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='RelayProbe',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('relay', models.CharField(max_length=120)),
                ('envelope_hash', models.BinaryField(max_length=32, unique=True)),
                ('handed_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveIndex(
            model_name='delivery',
            name='delivery_due',
        ),
        migrations.AddField(
            model_name='attempt',
            name='relay',
            field=models.CharField(db_default='', help_text="Which relay's log and queue tell of it.", max_length=120),
        ),
        migrations.AddField(
            model_name='campaign',
            name='addressing',
            field=models.CharField(choices=[('each', 'one mail for each target'), ('all', 'one mail that shows all targets as its recipients')], db_default='each', default='each', max_length=4),
        ),
        migrations.AddField(
            model_name='delivery',
            name='notice',
            field=models.CharField(blank=True, choices=[('suspect', "a target's address no longer works"), ('blocked', 'a target or its domain refuses our letters'), ('complaint', 'somebody reported a mail of ours as abuse'), ('unclear', 'letters whose fate a person has to find out')], db_default='', max_length=10),
        ),
        migrations.AddField(
            model_name='supporter',
            name='way',
            field=models.CharField(choices=[('site', "wrote on the campaign's page"), ('own mailbox', 'wrote from their own mailbox, with our copy address in CC')], db_default='site', default='site', max_length=12),
        ),
        migrations.AddField(
            model_name='target',
            name='office_from',
            field=models.TimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='target',
            name='office_until',
            field=models.TimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='target',
            name='per_day',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='target',
            name='per_minute',
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='target',
            name='time_zone',
            field=models.CharField(blank=True, db_default='', max_length=40),
        ),
        migrations.AddField(
            model_name='targetversion',
            name='suspect_since',
            field=models.DateTimeField(blank=True, help_text='Since when what comes back says that nobody reads there.', null=True),
        ),
        migrations.AlterField(
            model_name='campaigncount',
            name='kind',
            field=models.CharField(choices=[('supporters', 'people and organisations who confirmed a letter'), ('members', 'members that signing organisations speak for'), ('letters', 'letters taken over by a mail server'), ('copies', 'people who wrote from their own mailbox, counted by their copy')], max_length=12),
        ),
        migrations.AlterField(
            model_name='countentry',
            name='kind',
            field=models.CharField(choices=[('supporters', 'people and organisations who confirmed a letter'), ('members', 'members that signing organisations speak for'), ('letters', 'letters taken over by a mail server'), ('copies', 'people who wrote from their own mailbox, counted by their copy')], max_length=12),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='mail_class',
            field=models.CharField(choices=[('letter', 'a letter to a target'), ('confirmation', 'asks a writer to confirm'), ('writer copy', "a writer's own copy of their letter"), ('organiser copy', "an organiser's copy of one letter"), ('organiser digest', "a day's letters to an organiser"), ('organiser notice', 'tells an organiser what needs a person'), ('forwarded reply', "a target's reply, as text, to the letter's writer"), ('thanks', 'thanks whoever wrote from their own mailbox, and asks for consents'), ('campaign update', 'news of a campaign to somebody who asked for it')], max_length=16),
        ),
        migrations.AddConstraint(
            model_name='target',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('office_from__isnull', True), ('office_until__isnull', True)), models.Q(('office_from__lt', models.F('office_until')), ('time_zone__gt', '')), _connector='OR'), name='target_office_hours_are_whole'),
        ),
        migrations.AddConstraint(
            model_name='target',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('per_minute__isnull', True), ('per_minute__gt', 0), _connector='OR'), models.Q(('per_day__isnull', True), ('per_day__gt', 0), _connector='OR')), name='target_pace_lets_something_through'),
        ),
        migrations.AddConstraint(
            model_name='gate',
            constraint=models.CheckConstraint(condition=models.Q(('breaker', 'closed'), ('open_until__isnull', False), _connector='OR'), name='gate_open_until_when'),
        ),
        migrations.AddConstraint(
            model_name='gate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('paused_at__isnull', True), ('paused_by', '')), models.Q(models.Q(('paused_by', ''), _negated=True), ('paused_at__isnull', False)), _connector='OR'), name='gate_paused_since_when'),
        ),
        migrations.AddField(
            model_name='incomingmessage',
            name='campaign',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='incoming', to='picketline.campaign'),
        ),
        migrations.AddField(
            model_name='incomingmessage',
            name='delivery',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='incoming_messages', to='picketline.delivery'),
        ),
        migrations.AddField(
            model_name='incomingmessage',
            name='supporter',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='incoming', to='picketline.supporter'),
        ),
        migrations.AddField(
            model_name='incomingmessage',
            name='target',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='picketline.target'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='incoming',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='mails', to='picketline.incomingmessage'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['reply_hash'], name='delivery_reply'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('mail_class', 'letter'), ('state__in', ['queued', 'deferred'])), fields=['target_version', 'due_at'], name='delivery_letters_due'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'deferred']), models.Q(('mail_class', 'letter'), _negated=True)), fields=['mail_class', 'due_at'], name='delivery_notices_due'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state', 'uncertain')), fields=['uncertain_since'], name='delivery_unclear'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(('mail_class', 'organiser notice')), fields=('copy_address', 'notice', 'target', 'digest_day'), name='delivery_one_notice_a_day', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(('mail_class__in', ['forwarded reply', 'thanks'])), fields=('incoming', 'mail_class'), name='delivery_one_answer_per_incoming'),
        ),
        migrations.AddField(
            model_name='publishedreply',
            name='campaign',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='published_replies', to='picketline.campaign'),
        ),
        migrations.AddField(
            model_name='publishedreply',
            name='incoming',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='published', to='picketline.incomingmessage'),
        ),
        migrations.AddField(
            model_name='publishedreply',
            name='target',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='published_replies', to='picketline.target'),
        ),
        migrations.AddIndex(
            model_name='relayprobe',
            index=models.Index(fields=['relay', 'handed_at'], name='relay_probe_by_time'),
        ),
        migrations.AddIndex(
            model_name='incomingmessage',
            index=models.Index(condition=models.Q(('state', 'received')), fields=['examine_at'], name='incoming_unsorted'),
        ),
        migrations.AddIndex(
            model_name='incomingmessage',
            index=models.Index(fields=['received_at'], name='incoming_by_age'),
        ),
        migrations.AddConstraint(
            model_name='incomingmessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'sorted'), models.Q(('kind', ''), _negated=True)), models.Q(models.Q(('state', 'sorted'), _negated=True), ('kind', '')), _connector='OR'), name='incoming_kind_exactly_when_sorted'),
        ),
        migrations.AddConstraint(
            model_name='incomingmessage',
            constraint=models.CheckConstraint(condition=models.Q(('publication', ''), ('kind', 'reply'), _connector='OR'), name='incoming_only_replies_are_published'),
        ),
        migrations.RemoveIndex(
            model_name='delivery',
            name='delivery_reply',
        ),
        migrations.AlterField(
            model_name='delivery',
            name='copy_address',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='picketline.copyaddress'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='incoming',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='mails', to='picketline.incomingmessage'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='model_letter',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='picketline.modelletter'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='target_version',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='picketline.targetversion'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('reply_hash__isnull', False)), fields=['reply_hash'], name='delivery_reply'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('incoming__isnull', False)), fields=['incoming'], name='delivery_incoming'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('copy_address__isnull', False)), fields=['copy_address'], name='delivery_copy_address'),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='delivery',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='picketline.delivery'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='message_id',
            field=models.CharField(max_length=120),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(fields=('message_id',), name='delivery_message_id_once'),
        ),
        migrations.RunSQL(ROOM, NO_ROOM),
        migrations.RunSQL(WAKE, SLEEP),
    ]
