import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0005_keep_certificates_and_history'),
        ('dispatch', '0002_lock_the_quote'),
        ('tickets', '0002_certificates_and_second_asks'),
    ]

    operations = [
        migrations.CreateModel(
            name='Acquaintance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer_ref', models.CharField(max_length=120, verbose_name='customer reference')),
                ('met_at', models.DateTimeField(verbose_name='met')),
                ('blocked_at', models.DateTimeField(blank=True, null=True, verbose_name='blocked')),
            ],
            options={
                'verbose_name': 'acquaintance',
                'verbose_name_plural': 'acquaintances',
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
            name='PolicyVersion',
            fields=[
                ('version', models.PositiveIntegerField(primary_key=True, serialize=False, verbose_name='version')),
                ('valid_from', models.DateTimeField(unique=True, verbose_name='valid from')),
                ('note', models.CharField(help_text='Read by agents and coordinators.', max_length=300, verbose_name='what changes, and why')),
                ('waiting', models.PositiveIntegerField(default=10, help_text="For every minute past the client's promise.", validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)], verbose_name='waiting')),
                ('urgency', models.PositiveIntegerField(default=20, help_text='For each step of urgency.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='urgency')),
                ('language', models.PositiveIntegerField(default=40, help_text='For speaking it least well; best costs none.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='language')),
                ('skill', models.PositiveIntegerField(default=40, help_text='For knowing what is asked for least well.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='skill')),
                ('stranger', models.PositiveIntegerField(default=30, help_text='For not being the agent who helped this customer before.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='not known')),
                ('quality', models.PositiveIntegerField(default=20, help_text='For the worst reviews; too few reviews say nothing.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='quality')),
                ('quality_unknown', models.PositiveSmallIntegerField(default=75, help_text='Per cent taken for granted while there are too few reviews.', validators=[django.core.validators.MaxValueValidator(100)], verbose_name='quality while unknown')),
                ('idle', models.PositiveIntegerField(default=20, help_text='For having been free for no time at all.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='idle time')),
                ('idle_enough', models.PositiveIntegerField(default=2400, help_text='Seconds after which idle time costs nothing.', validators=[django.core.validators.MinValueValidator(60)], verbose_name='idle long enough')),
                ('share', models.PositiveIntegerField(default=15, help_text='For having had a full share already.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name="share of today's work")),
                ('share_full', models.PositiveSmallIntegerField(default=20, help_text='Conversations in a day.', validators=[django.core.validators.MinValueValidator(1)], verbose_name='full share')),
                ('asked_before', models.PositiveIntegerField(default=500, help_text='For being asked for the same ticket again.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1000)], verbose_name='asked before')),
                ('unserved', models.PositiveIntegerField(default=100000, help_text='What leaving a ticket waiting costs at least: more than any pair.', validators=[django.core.validators.MinValueValidator(10000), django.core.validators.MaxValueValidator(1000000)], verbose_name='left waiting')),
                ('relax_after', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(10)]), blank=True, default=list, help_text='Seconds of waiting, rising; each time every level asked for is one lower.', size=4, verbose_name='lower the levels after')),
                ('exclusive_for', models.PositiveSmallIntegerField(default=20, help_text='Seconds before another agent is asked too.', validators=[django.core.validators.MinValueValidator(5)], verbose_name='asked alone for')),
                ('max_parallel_offers', models.PositiveSmallIntegerField(default=3, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3)], verbose_name='most asked at once')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
            ],
            options={
                'verbose_name': 'matching policy',
                'verbose_name_plural': 'matching policies',
            },
        ),
        migrations.RemoveConstraint(
            model_name='offer',
            name='one_pending_offer_per_ticket',
        ),
        migrations.RemoveConstraint(
            model_name='offer',
            name='settled_means_settled_at',
        ),
        migrations.RemoveIndex(
            model_name='offer',
            name='offers_pending',
        ),
        migrations.AddField(
            model_name='offer',
            name='again',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name='offer',
            name='declined_because',
            field=models.CharField(blank=True, editable=False, max_length=20),
        ),
        migrations.AddField(
            model_name='offer',
            name='place',
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name='offer',
            name='rolling',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name='offer',
            name='shown_at',
            field=models.DateTimeField(null=True, verbose_name='shown'),
        ),
        migrations.AlterField(
            model_name='offer',
            name='status',
            field=models.CharField(choices=[('sent', 'sent'), ('shown', 'shown'), ('accepted', 'accepted'), ('declined', 'declined'), ('expired', 'expired'), ('missed_connectivity', 'missed connectivity'), ('withdrawn', 'withdrawn'), ('taken', 'taken')], default='sent', max_length=20, verbose_name='status'),
        ),
        migrations.AddField(
            model_name='acquaintance',
            name='agent',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='acquaintances', to='agents.agent', verbose_name='agent'),
        ),
        migrations.AddField(
            model_name='acquaintance',
            name='client',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tickets.client', verbose_name='client'),
        ),
        migrations.AddField(
            model_name='offer',
            name='decision',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='dispatch.decision', verbose_name='decision'),
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
            index=models.Index(fields=['decision'], name='offers_by_decision'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['sent', 'shown'])), fields=('ticket', 'place'), name='one_pending_offer_per_place'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['sent', 'shown'])), fields=('ticket', 'agent'), name='nobody_is_asked_twice_at_once'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.CheckConstraint(condition=models.Q(('place__lt', 3)), name='at_most_three_are_asked_at_once'),
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('settled_at', None), ('status__in', ['sent', 'shown'])), models.Q(models.Q(('status__in', ['sent', 'shown']), _negated=True), ('settled_at__isnull', False)), _connector='OR'), name='settled_means_settled_at'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(('max_parallel_offers__range', (1, 3))), name='one_to_three_at_once'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(('waiting__gte', 1)), name='waiting_always_counts'),
        ),
        migrations.AddField(
            model_name='decision',
            name='policy',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='dispatch.policyversion', verbose_name='policy'),
        ),
        migrations.AddConstraint(
            model_name='acquaintance',
            constraint=models.UniqueConstraint(fields=('client', 'customer_ref', 'agent'), name='they_meet_in_one_row'),
        ),
    ]
