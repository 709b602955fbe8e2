from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tickets", "0026_who_has_a_webhook_in_hand")]

    operations = [
        migrations.RemoveIndex("ticket", "tickets_relaxing"),
        migrations.AddIndex(
            "ticket",
            models.Index(
                fields=["relaxed", "queued_at"],
                condition=models.Q(("status", "queued"), models.Q(("skills", {}), _negated=True)),
                name="tickets_to_relax",
            ),
        ),
    ]
