"""Only what a screen showed can expire."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0004_fill_shown")]

    operations = [
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['shown', 'expired']), _negated=True), ('shown_at__isnull', False), _connector='OR'), name='what_expired_was_shown'),
        ),
    ]
