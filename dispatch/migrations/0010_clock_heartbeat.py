"""Who leads the clock, when it last beat and how late it was."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0006_first_policy")]

    operations = [
        migrations.CreateModel(
            name='ClockHeartbeat',
            fields=[
                ('id', models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('leader', models.CharField(max_length=120)),
                ('beat_at', models.DateTimeField()),
                ('lag_ms', models.PositiveIntegerField()),
                ('took_ms', models.PositiveIntegerField()),
            ],
            options={
                'verbose_name': 'heartbeat of the clock',
                'verbose_name_plural': 'heartbeat of the clock',
            },
        ),
        migrations.AddConstraint(
            model_name='clockheartbeat',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='one_heartbeat'),
        ),
    ]
