import dispatch.models.policies
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('agents', '0001_tables'),
        ('tickets', '0001_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True, verbose_name='at')),
                ('breaches', models.PositiveIntegerField(verbose_name='breaches')),
                ('took_ms', models.PositiveIntegerField(verbose_name='took (ms)')),
            ],
            options={
                'verbose_name': 'audit',
                'verbose_name_plural': 'audits',
            },
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_index=True, verbose_name='at')),
                ('seen', models.BinaryField()),
                ('pairs', models.JSONField(verbose_name='pairs')),
            ],
            options={
                'verbose_name': 'decision',
                'verbose_name_plural': 'decisions',
            },
        ),
        migrations.CreateModel(
            name='LiveServer',
            fields=[
                ('name', models.CharField(max_length=120, primary_key=True, serialize=False)),
                ('sockets', models.PositiveIntegerField()),
                ('seen_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'live server',
                'verbose_name_plural': 'live servers',
            },
        ),
        migrations.CreateModel(
            name='SchedulerHeartbeat',
            fields=[
                ('id', models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('leader', models.CharField(max_length=120)),
                ('beat_at', models.DateTimeField()),
                ('lag_ms', models.PositiveIntegerField()),
                ('took_ms', models.PositiveIntegerField()),
            ],
            options={
                'verbose_name': 'heartbeat of the scheduler',
                'verbose_name_plural': 'heartbeat of the scheduler',
            },
        ),
        migrations.CreateModel(
            name='AgentRating',
            fields=[
                ('agent', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='standing', serialize=False, to='agents.agent', verbose_name='agent')),
                ('reviews', models.PositiveIntegerField(default=0, verbose_name='reviews')),
                ('good', models.PositiveIntegerField(default=0, verbose_name='good reviews')),
            ],
            options={
                'verbose_name': 'standing',
                'verbose_name_plural': 'standings',
                'constraints': [models.CheckConstraint(condition=models.Q(('good__lte', models.F('reviews'))), name='good_reviews_are_reviews')],
            },
        ),
        migrations.CreateModel(
            name='AuditFinding',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('invariant', models.CharField(max_length=40, verbose_name='invariant')),
                ('subject', models.CharField(max_length=200, verbose_name='subject')),
                ('seen_at', models.DateTimeField(verbose_name='first seen')),
                ('last_seen_at', models.DateTimeField(verbose_name='seen until')),
            ],
            options={
                'verbose_name': 'audit finding',
                'verbose_name_plural': 'audit findings',
                'indexes': [models.Index(fields=['last_seen_at'], name='findings_by_last_seen')],
                'constraints': [models.UniqueConstraint(fields=('invariant', 'subject'), name='one_finding_per_subject')],
            },
        ),
        migrations.CreateModel(
            name='CustomerAffinity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer_ref', models.CharField(max_length=120, verbose_name='customer reference')),
                ('met_at', models.DateTimeField(verbose_name='met')),
                ('blocked_at', models.DateTimeField(blank=True, null=True, verbose_name='blocked')),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='affinities', to='agents.agent', verbose_name='agent')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tickets.client', verbose_name='client')),
            ],
            options={
                'verbose_name': 'acquaintance',
                'verbose_name_plural': 'acquaintances',
            },
        ),
        migrations.CreateModel(
            name='MatchLatency',
            fields=[
                ('id', models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('counted_to', models.DateTimeField()),
                ('counts', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('seconds', models.FloatField(default=0)),
            ],
            options={
                'verbose_name': 'wait for the first offer',
                'verbose_name_plural': 'waits for the first offer',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='one_row_of_latency')],
            },
        ),
        migrations.CreateModel(
            name='Offer',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('slot', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('status', models.CharField(choices=[('sent', 'sent'), ('shown', 'shown'), ('accepted', 'accepted'), ('declined', 'declined'), ('expired', 'expired'), ('missed_connectivity', 'missed connectivity'), ('withdrawn', 'withdrawn'), ('taken', 'taken')], default='sent', max_length=20, verbose_name='status')),
                ('pay', models.JSONField(verbose_name='pay')),
                ('reasons', models.JSONField(default=dict, verbose_name='reasons')),
                ('sent_at', models.DateTimeField(verbose_name='sent')),
                ('shown_at', models.DateTimeField(null=True, verbose_name='shown')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('settled_at', models.DateTimeField(null=True, verbose_name='settled')),
                ('declined_because', models.CharField(blank=True, editable=False, max_length=20)),
                ('may_reoffer', models.BooleanField(default=False, editable=False)),
                ('auto_accepted', models.BooleanField(default=False, editable=False)),
                ('agent', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='agents.agent', verbose_name='agent')),
                ('decision', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='dispatch.decision', verbose_name='decision')),
                ('ticket', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='tickets.ticket', verbose_name='ticket')),
            ],
            options={
                'verbose_name': 'offer',
                'verbose_name_plural': 'offers',
            },
        ),
        migrations.CreateModel(
            name='Assignment',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('epoch', models.PositiveIntegerField()),
                ('started_at', models.DateTimeField(verbose_name='started')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='conversation ended')),
                ('ending', models.CharField(blank=True, choices=[('resolved', 'resolved'), ('handed_back', 'handed back'), ('abandoned', 'abandoned'), ('lost', 'lost')], max_length=12, verbose_name='ending')),
                ('wrap_up_by', models.DateTimeField(null=True, verbose_name='wrap-up by')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='finished')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('paid', models.PositiveIntegerField(null=True, verbose_name='paid')),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='agents.agent', verbose_name='agent')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='tickets.ticket', verbose_name='ticket')),
                ('offer', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='assignment', to='dispatch.offer', verbose_name='offer')),
            ],
            options={
                'verbose_name': 'assignment',
                'verbose_name_plural': 'assignments',
            },
        ),
        migrations.CreateModel(
            name='PolicyVersion',
            fields=[
                ('version', models.PositiveIntegerField(primary_key=True, serialize=False, verbose_name='version')),
                ('valid_from', models.DateTimeField(unique=True, verbose_name='valid from')),
                ('note', models.CharField(help_text='Read by agents and coordinators.', max_length=300, verbose_name='what changes, and why')),
                ('waiting', models.PositiveIntegerField(default=10, help_text="For every minute past the client's promise.", validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)], verbose_name='waiting')),
                ('urgency', models.PositiveIntegerField(default=20, help_text='For each step of urgency.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='urgency')),
                ('language', models.PositiveIntegerField(default=20, help_text='For speaking it least well; best costs none.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='language')),
                ('skill', models.PositiveIntegerField(default=5, help_text='For knowing what is asked for least well.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='skill')),
                ('scarce', models.PositiveIntegerField(default=150, help_text='For what they are likely to be needed for soon, as few who can do it are free.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='kept for others')),
                ('no_prior_contact', models.PositiveIntegerField(default=80, help_text='For not being the agent who helped this customer before.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='not known')),
                ('quality', models.PositiveIntegerField(default=20, help_text='For the worst reviews; too few reviews say nothing.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='quality')),
                ('quality_unknown', models.PositiveSmallIntegerField(default=75, help_text='Per cent taken for granted while there are too few reviews.', validators=[django.core.validators.MaxValueValidator(100)], verbose_name='quality while unknown')),
                ('idle', models.PositiveIntegerField(default=60, help_text='For having been free for no time at all.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='idle time')),
                ('idle_enough', models.PositiveIntegerField(default=2400, help_text='Seconds after which idle time costs nothing.', validators=[django.core.validators.MinValueValidator(60)], verbose_name='idle long enough')),
                ('workload_today', models.PositiveIntegerField(default=15, help_text='For having had a full share already.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name="share of today's work")),
                ('full_workload', models.PositiveSmallIntegerField(default=20, help_text='Conversations in a day.', validators=[django.core.validators.MinValueValidator(1)], verbose_name='full share')),
                ('asked_before', models.PositiveIntegerField(default=500, help_text='For being asked for the same ticket again.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='asked before')),
                ('unassigned_penalty', models.PositiveIntegerField(default=100000, help_text='What leaving a ticket waiting costs at least: more than any pair.', validators=[django.core.validators.MinValueValidator(12000), django.core.validators.MaxValueValidator(1000000)], verbose_name='left waiting')),
                ('lower_levels_at', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(100), django.core.validators.MaxValueValidator(10000)]), blank=True, default=dispatch.models.policies.default_lowering, help_text='Per cent of the client’s promise that a customer has waited, rising, from 100 on; each time every level asked for is one lower, never below 1.', size=4, verbose_name='lower the levels at')),
                ('exclusive_for', models.PositiveSmallIntegerField(default=20, help_text='Seconds before another agent is asked too.', validators=[django.core.validators.MinValueValidator(5)], verbose_name='asked alone for')),
                ('max_parallel_offers', models.PositiveSmallIntegerField(default=3, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3)], verbose_name='most asked at once')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
            ],
            options={
                'verbose_name': 'matching policy',
                'verbose_name_plural': 'matching policies',
                'constraints': [models.CheckConstraint(condition=models.Q(('max_parallel_offers__range', (1, 3))), name='one_to_three_at_once'), models.CheckConstraint(condition=models.Q(('waiting__gte', 1)), name='waiting_always_counts')],
            },
        ),
        migrations.AddField(
            model_name='decision',
            name='policy',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='dispatch.policyversion', verbose_name='policy'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='policyversion',
            trigger=pgtrigger.compiler.Trigger(name='a_policy_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        RAISE EXCEPTION 'decisions were made under this version: add another'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_policy_never_changes';\n    ", hash='f2d7af4e52e088273ee5aeec623090a1738f566a', operation='UPDATE OR DELETE', pgid='pgtrigger_a_policy_never_changes_c9cd5', table='dispatch_policyversion', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='schedulerheartbeat',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='one_heartbeat'),
        ),
        migrations.AddConstraint(
            model_name='customeraffinity',
            constraint=models.UniqueConstraint(fields=('client', 'customer_ref', 'agent'), name='they_meet_in_one_row'),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(condition=models.Q(('status__in', ['sent', 'shown'])), fields=['expires_at'], name='offers_pending'),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(condition=models.Q(('status__in', ['sent', 'shown'])), fields=['agent'], name='offers_asked'),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(fields=['agent', '-sent_at'], name='offers_by_agent'),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(fields=['ticket', 'status'], name='offers_by_ticket'),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(fields=['decision'], name='offers_by_decision'),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(fields=['sent_at'], name='offers_by_moment'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['sent', 'shown'])), fields=('ticket', 'slot'), name='one_pending_offer_per_slot'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['sent', 'shown'])), fields=('ticket', 'agent'), name='nobody_is_asked_twice_at_once'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.CheckConstraint(condition=models.Q(('slot__lt', 3)), name='at_most_three_are_asked_at_once'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'accepted'), _negated=True), ('settled_at__lt', models.F('expires_at')), _connector='OR'), name='accepted_before_it_expired'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('settled_at', None), ('status__in', ['sent', 'shown'])), models.Q(models.Q(('status__in', ['sent', 'shown']), _negated=True), ('settled_at__isnull', False)), _connector='OR'), name='settled_means_settled_at'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['shown', 'expired']), _negated=True), ('shown_at__isnull', False), _connector='OR'), name='what_expired_was_shown'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='offer',
            trigger=pgtrigger.compiler.Trigger(name='pay_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."pay" IS DISTINCT FROM (NEW."pay"))', func="\n        RAISE EXCEPTION 'the pay of an offer is a promise'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'pay_never_changes';\n    ", hash='83f6b6bd1140c008c7775f8cae518276bbd3dd4f', operation='UPDATE OF "pay"', pgid='pgtrigger_pay_never_changes_e2e63', table='dispatch_offer', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('finished_at', None)), fields=['agent'], name='assignments_unfinished'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('ended_at__isnull', False), ('finished_at', None)), fields=['wrap_up_by'], name='assignments_wrapping_up'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(fields=['agent', '-finished_at'], name='assignments_by_agent'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('ending', 'lost')), fields=['ended_at'], name='assignments_lost'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('ticket',), name='one_open_assignment_per_ticket'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.UniqueConstraint(fields=('ticket', 'epoch'), name='one_assignment_per_epoch'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('finished_at', None), ('ended_at__isnull', False), _connector='OR'), name='finished_after_it_ended'),
        ),
    ]
