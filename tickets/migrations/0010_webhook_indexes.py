"""News held back behind earlier news, and news that was given up, found at once."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0002_certificates_and_second_asks'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('dead_at', None), ('delivered_at', None)), fields=['endpoint', 'ticket', 'version'], name='webhooks_held_back'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('dead_at__isnull', False)), fields=['dead_at'], name='webhooks_dead'),
        ),
    ]
