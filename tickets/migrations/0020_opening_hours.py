"""When a client's humans are meant to be there; nothing said means always."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tickets", "0010_webhook_indexes")]

    operations = [
        migrations.AddField(
            "client",
            "opening_hours",
            models.JSONField(blank=True, default=dict, verbose_name="opening hours"),
        ),
        migrations.AddField(
            "client",
            "time_zone",
            models.CharField(default="Europe/Paris", max_length=64, verbose_name="time zone"),
        ),
    ]
