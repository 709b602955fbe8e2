"""When the invariants were looked at, and what broke one."""

import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0010_kept_figures")]

    operations = [
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
            },
        ),
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
        migrations.AddIndex(
            model_name='auditfinding',
            index=models.Index(fields=['last_seen_at'], name='findings_by_last_seen'),
        ),
        migrations.AddConstraint(
            model_name='auditfinding',
            constraint=models.UniqueConstraint(fields=('invariant', 'subject'), name='one_finding_per_subject'),
        ),
    ]
