import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0003_keep_abilities'),
    ]

    operations = [
        migrations.AddField(
            model_name='presence',
            name='paused',
            field=models.BooleanField(default=False, editable=False, verbose_name='paused'),
        ),
        migrations.AddField(
            model_name='presence',
            name='rolling',
            field=models.BooleanField(default=False, editable=False, verbose_name='accepts by itself'),
        ),
        migrations.AddField(
            model_name='presence',
            name='rolling_limit',
            field=models.PositiveSmallIntegerField(default=6, editable=False, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(30)], verbose_name='most accepted by itself an hour'),
        ),
        migrations.AddField(
            model_name='presence',
            name='timeouts_in_row',
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name='presence',
            name='worked_on',
            field=models.DateField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='presence',
            name='worked_today',
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.CreateModel(
            name='AbilitySpan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('abilities', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('capacity', models.PositiveSmallIntegerField()),
                ('started_at', models.DateTimeField()),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ability_spans', to='agents.agent')),
            ],
            options={
                'verbose_name': 'abilities',
                'verbose_name_plural': 'history of abilities',
                'indexes': [models.Index(fields=['agent', '-started_at'], name='abilities_by_agent')],
            },
        ),
        migrations.CreateModel(
            name='AgentCertificate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, verbose_name='certificate')),
                ('valid_until', models.DateField(blank=True, null=True, verbose_name='valid until')),
                ('lapsed', models.BooleanField(default=False, editable=False)),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='certificates', to='agents.agent')),
            ],
            options={
                'verbose_name': 'certificate',
                'verbose_name_plural': 'certificates',
                'indexes': [models.Index(condition=models.Q(('lapsed', False)), fields=['valid_until'], name='certificates_ending')],
                'constraints': [models.UniqueConstraint(fields=('agent', 'code'), name='one_certificate_per_agent_and_code')],
            },
        ),
    ]
