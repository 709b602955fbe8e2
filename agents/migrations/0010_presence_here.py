"""Who is here is found without looking at all who are not."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0007_keep_the_line'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='presence',
            index=models.Index(condition=models.Q(('status__in', ['available', 'away'])), fields=['status'], name='presence_here'),
        ),
    ]
