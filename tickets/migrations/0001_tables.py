import datetime
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import tickets.models.webhooks
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Client',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=40, unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('answer_within', models.DurationField(default=datetime.timedelta(seconds=30), help_text='The promise: most customers are answered within this time.', verbose_name='answer within')),
                ('patience', models.DurationField(default=datetime.timedelta(seconds=180), help_text='After this wait the customer is told that no one is available.', verbose_name='patience')),
                ('wrap_up', models.DurationField(default=datetime.timedelta(seconds=120), help_text='Most paid time for work after a conversation.', verbose_name='wrap-up')),
                ('certificate', models.SlugField(blank=True, help_text='Only agents who hold this certificate are asked; empty: everybody may be.', max_length=40, verbose_name='certificate')),
                ('opening_hours', models.JSONField(blank=True, default=dict, verbose_name='opening hours')),
                ('time_zone', models.CharField(default='Europe/Paris', max_length=64, verbose_name='time zone')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
            ],
            options={
                'verbose_name': 'client',
                'verbose_name_plural': 'clients',
            },
        ),
        migrations.CreateModel(
            name='Ticket',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('conversation_ref', models.CharField(max_length=120, verbose_name='conversation')),
                ('customer_ref', models.CharField(max_length=120, verbose_name='customer reference')),
                ('customer_name', models.CharField(max_length=120, verbose_name='customer')),
                ('language', models.CharField(max_length=16, verbose_name='language')),
                ('topic', models.SlugField(db_index=False, max_length=60, verbose_name='topic')),
                ('skills', models.JSONField(default=dict, help_text='Skill to least proficiency.', verbose_name='skills')),
                ('gives_way', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, help_text="Dropped at the matching policy's last step, so that somebody answers.", size=None, verbose_name='skills that give way')),
                ('lane', models.CharField(editable=False, max_length=600)),
                ('offered', models.BooleanField(default=False, editable=False)),
                ('reoffer_at', models.DateTimeField(editable=False, null=True)),
                ('times_lowered', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('lower_at', models.DateTimeField(editable=False, null=True)),
                ('urgency', models.SmallIntegerField(choices=[(0, 'low'), (1, 'normal'), (2, 'high')], default=1, verbose_name='urgency')),
                ('status', models.CharField(choices=[('queued', 'queued'), ('active', 'active'), ('resolved', 'resolved'), ('handed_back', 'handed back'), ('unavailable', 'unavailable'), ('abandoned', 'abandoned')], default='queued', max_length=12, verbose_name='status')),
                ('queued_at', models.DateTimeField(verbose_name='queued')),
                ('due_at', models.DateTimeField(verbose_name='promised by')),
                ('give_up_at', models.DateTimeField(verbose_name='told unavailable at')),
                ('answered_at', models.DateTimeField(null=True, verbose_name='answered')),
                ('closed_at', models.DateTimeField(null=True, verbose_name='closed')),
                ('disposition', models.CharField(blank=True, max_length=40, verbose_name='disposition')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('answered_by', models.CharField(blank=True, max_length=80, verbose_name='answered by')),
                ('epoch', models.PositiveIntegerField(default=0)),
                ('version', models.PositiveIntegerField(default=0)),
                ('last_seq', models.PositiveIntegerField(default=0)),
                ('quoted_p50_s', models.PositiveIntegerField(editable=False, null=True)),
                ('quoted_p90_s', models.PositiveIntegerField(editable=False, null=True)),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='tickets.client', verbose_name='client')),
            ],
            options={
                'verbose_name': 'ticket',
                'verbose_name_plural': 'tickets',
            },
        ),
        migrations.CreateModel(
            name='Skill',
            fields=[
                ('code', models.SlugField(max_length=40, primary_key=True, serialize=False, verbose_name='code')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
            ],
            options={
                'verbose_name': 'skill',
                'verbose_name_plural': 'skills',
            },
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('prefix', models.CharField(max_length=16, unique=True, verbose_name='prefix')),
                ('hash', models.CharField(editable=False, max_length=64)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='revoked')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_keys', to='tickets.client', verbose_name='client')),
            ],
            options={
                'verbose_name': 'API key',
                'verbose_name_plural': 'API keys',
            },
        ),
        migrations.CreateModel(
            name='Handoff',
            fields=[
                ('ticket', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='handoff', serialize=False, to='tickets.ticket', verbose_name='ticket')),
                ('contract', models.PositiveSmallIntegerField(default=1)),
                ('summary', models.TextField(blank=True, verbose_name='summary')),
                ('tried', models.JSONField(default=list, verbose_name='what the bot tried')),
                ('transcript', models.JSONField(default=list, verbose_name='transcript')),
                ('context', models.JSONField(default=dict, verbose_name='context')),
            ],
            options={
                'verbose_name': 'handoff',
                'verbose_name_plural': 'handoffs',
            },
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255)),
                ('fingerprint', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField()),
                ('body', models.JSONField()),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tickets.client')),
            ],
            options={
                'verbose_name': 'idempotency key',
                'verbose_name_plural': 'idempotency keys',
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.PositiveIntegerField(verbose_name='number')),
                ('origin', models.CharField(choices=[('customer', 'customer'), ('agent', 'agent'), ('system', 'system')], max_length=10, verbose_name='from')),
                ('text', models.TextField(verbose_name='text')),
                ('client_message_id', models.CharField(max_length=64)),
                ('at', models.DateTimeField(verbose_name='at')),
                ('sent_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('ticket', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='tickets.ticket', verbose_name='ticket')),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'messages',
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=40, verbose_name='type')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('payload', models.JSONField(verbose_name='payload')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('next_attempt_at', models.DateTimeField(verbose_name='next attempt')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('delivered_at', models.DateTimeField(null=True, verbose_name='delivered')),
                ('dead_at', models.DateTimeField(null=True, verbose_name='given up')),
                ('sender', models.IntegerField(editable=False, null=True)),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='tickets.ticket', verbose_name='ticket')),
            ],
            options={
                'verbose_name': 'webhook delivery',
                'verbose_name_plural': 'webhook deliveries',
            },
        ),
        migrations.CreateModel(
            name='WebhookAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('status', models.PositiveSmallIntegerField(null=True, verbose_name='answer')),
                ('error', models.CharField(blank=True, max_length=200, verbose_name='error')),
                ('took_ms', models.PositiveIntegerField(verbose_name='took (ms)')),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='log', to='tickets.webhookdelivery', verbose_name='delivery')),
            ],
            options={
                'verbose_name': 'delivery attempt',
                'verbose_name_plural': 'delivery attempts',
            },
        ),
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('url', models.CharField(max_length=400, validators=[django.core.validators.URLValidator(schemes=['https', 'http'])], verbose_name='address')),
                ('secret', models.CharField(default=tickets.models.webhooks.new_secret, editable=False, max_length=120, verbose_name='secret')),
                ('disabled_at', models.DateTimeField(blank=True, null=True, verbose_name='disabled')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='endpoints', to='tickets.client', verbose_name='client')),
            ],
            options={
                'verbose_name': 'webhook endpoint',
                'verbose_name_plural': 'webhook endpoints',
            },
        ),
        migrations.AddField(
            model_name='webhookdelivery',
            name='endpoint',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='tickets.webhookendpoint', verbose_name='endpoint'),
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('ticket', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='review', serialize=False, to='tickets.ticket', verbose_name='ticket')),
                ('solved', models.BooleanField(verbose_name='solved')),
                ('score', models.PositiveSmallIntegerField(null=True, verbose_name='score')),
                ('comment', models.TextField(blank=True, verbose_name='comment')),
                ('at', models.DateTimeField(verbose_name='at')),
            ],
            options={
                'verbose_name': 'review',
                'verbose_name_plural': 'reviews',
                'constraints': [models.CheckConstraint(condition=models.Q(('score', None), ('score__range', (1, 5)), _connector='OR'), name='a_score_is_1_to_5')],
            },
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('offered', False), ('status', 'queued')), fields=['lane', '-urgency', 'due_at', 'id'], name='tickets_waiting'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['language', '-urgency', 'due_at'], name='tickets_in_line'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('offered', True), ('status', 'queued')), fields=['reoffer_at'], name='tickets_to_reoffer'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('lower_at__isnull', False), ('status', 'queued')), fields=['lower_at'], name='tickets_to_lower'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['give_up_at'], name='tickets_giving_up'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('answered_at__isnull', False)), fields=['language', '-answered_at'], name='tickets_answered'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(fields=['client', '-queued_at'], name='tickets_by_client'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['queued', 'active'])), fields=('client', 'conversation_ref'), name='one_open_ticket_per_conversation'),
        ),
        migrations.AddConstraint(
            model_name='ticket',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('status__in', ['queued', 'active'])), models.Q(models.Q(('status__in', ['queued', 'active']), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='closed_means_closed_at'),
        ),
        migrations.AddConstraint(
            model_name='idempotencykey',
            constraint=models.UniqueConstraint(fields=('client', 'key'), name='one_answer_per_key'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(fields=('ticket', 'seq'), name='messages_are_numbered'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(fields=('ticket', 'origin', 'client_message_id'), name='a_message_is_said_once'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('dead_at', None), ('delivered_at', None)), fields=['next_attempt_at'], name='webhooks_unsent'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('dead_at', None), ('delivered_at', None)), fields=['endpoint', 'ticket', 'version'], name='webhooks_held_back'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('dead_at__isnull', False)), fields=['dead_at'], name='webhooks_dead'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.UniqueConstraint(fields=('endpoint', 'ticket', 'version'), name='one_delivery_per_version'),
        ),
    ]
