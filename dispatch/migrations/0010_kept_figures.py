"""Figures that outlive whoever counted them: open sockets, waits for a first offer, lost leases."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0010_clock_heartbeat")]

    operations = [
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
            },
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('ending', 'lost')), fields=['ended_at'], name='assignments_lost'),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(fields=['sent_at'], name='offers_by_moment'),
        ),
        migrations.AddConstraint(
            model_name='matchlatency',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='one_row_of_latency'),
        ),
    ]
