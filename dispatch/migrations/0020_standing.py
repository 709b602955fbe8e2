"""What customers said of each agent's work, counted."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0003_keep_abilities"), ("dispatch", "0011_audit_findings")]

    operations = [
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "agent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="standing",
                        serialize=False,
                        to="agents.agent",
                        verbose_name="agent",
                    ),
                ),
                ("reviews", models.PositiveIntegerField(default=0, verbose_name="reviews")),
                ("good", models.PositiveIntegerField(default=0, verbose_name="good reviews")),
            ],
            options={
                "verbose_name": "standing",
                "verbose_name_plural": "standings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("good__lte", models.F("reviews"))),
                        name="good_reviews_are_reviews",
                    )
                ],
            },
        ),
    ]
