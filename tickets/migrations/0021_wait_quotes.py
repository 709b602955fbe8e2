"""The wait that was told with an escalation, kept so that it can be held against what came."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tickets", "0020_opening_hours")]

    operations = [
        migrations.AddField(
            "ticket", "quoted_p50_s", models.PositiveIntegerField(editable=False, null=True)
        ),
        migrations.AddField(
            "ticket", "quoted_p90_s", models.PositiveIntegerField(editable=False, null=True)
        ),
    ]
