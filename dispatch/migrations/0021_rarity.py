"""What an agent can do beyond what is asked for counts; in the versions of before it did not."""

import django.core.validators
from django.db import migrations, models

POINTS = [
    django.core.validators.MinValueValidator(0),
    django.core.validators.MaxValueValidator(1000),
]
HELP = "For being able to do what else is often asked for and few can do."


def points(default, title, help_text):
    return models.PositiveIntegerField(
        default=default, help_text=help_text, validators=POINTS, verbose_name=title
    )


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0020_standing")]

    operations = [
        migrations.AddField("policyversion", "rare", points(0, "kept for others", HELP)),
        migrations.AlterField("policyversion", "rare", points(50, "kept for others", HELP)),
        migrations.AlterField(
            "policyversion",
            "language",
            points(20, "language", "For speaking it least well; best costs none."),
        ),
        migrations.AlterField(
            "policyversion",
            "skill",
            points(10, "skill", "For knowing what is asked for least well."),
        ),
        migrations.AlterField(
            "policyversion",
            "unserved",
            models.PositiveIntegerField(
                default=100000,
                help_text="What leaving a ticket waiting costs at least: more than any pair.",
                validators=[
                    django.core.validators.MinValueValidator(12000),
                    django.core.validators.MaxValueValidator(1000000),
                ],
                verbose_name="left waiting",
            ),
        ),
    ]
