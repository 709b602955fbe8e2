import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0005_keep_certificates_and_history'),
    ]

    operations = [
        migrations.CreateModel(
            name='FreePlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(max_length=16)),
                ('idle_since', models.DateTimeField()),
                ('abilities', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
            ],
            options={
                'verbose_name': 'place in line',
                'verbose_name_plural': 'places in line',
            },
        ),
        migrations.RemoveIndex(
            model_name='presence',
            name='presence_free',
        ),
        migrations.AddField(
            model_name='freeplace',
            name='agent',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.agent'),
        ),
        migrations.AddIndex(
            model_name='freeplace',
            index=models.Index(fields=['language', 'idle_since'], name='places_in_line'),
        ),
        migrations.AddIndex(
            model_name='freeplace',
            index=models.Index(fields=['agent'], name='places_by_agent'),
        ),
    ]
