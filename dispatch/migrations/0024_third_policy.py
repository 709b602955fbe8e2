"""The third version of the matching policy; where a coordinator wrote one, theirs stays.

It begins after the second and the last decision there is, so that none seems to have been made
under it.
"""

import django.core.validators
from django.db import migrations, models

POINTS = [
    django.core.validators.MinValueValidator(0),
    django.core.validators.MaxValueValidator(1000),
]
RARE = "For what they are likely to be needed for soon, as few who can do it are free."
THIRD = """
INSERT INTO dispatch_policyversion (
    version, valid_from, note, waiting, urgency, language, skill, rare, stranger, quality,
    quality_unknown, idle, idle_enough, share, share_full, asked_before, unserved, relax_after,
    exclusive_for, max_parallel_offers, created_at
)
SELECT
    3, greatest('2026-11-25 00:00:00+00', valid_from + interval '1 second',
        (SELECT max(at) FROM dispatch_decision)),
    'Kept for others is now who is likely to be needed soon, by who is free at the moment; how '
    'long somebody has been free and whether they know the customer count for more.',
    10, 20, 20, 5, 150, 80, 20,
    75, 60, 2400, 15, 20, 500, 100000, '{60,120}',
    20, 3, '2026-11-25 00:00:00+00'
FROM dispatch_policyversion
WHERE version = 2 AND note LIKE 'Whoever can do what few can is kept for those who need it;%'
    AND NOT EXISTS (SELECT 1 FROM dispatch_policyversion WHERE version > 2);
"""

NONE = """
ALTER TABLE dispatch_policyversion DISABLE TRIGGER a_policy_never_changes;
DELETE FROM dispatch_policyversion WHERE version = 3;
ALTER TABLE dispatch_policyversion ENABLE TRIGGER a_policy_never_changes;
"""


def points(default, title, help_text):
    return models.PositiveIntegerField(
        default=default, help_text=help_text, validators=POINTS, verbose_name=title
    )


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0023_index_once")]

    operations = [
        migrations.AlterField("policyversion", "rare", points(150, "kept for others", RARE)),
        migrations.AlterField(
            "policyversion", "stranger",
            points(80, "not known", "For not being the agent who helped this customer before."),
        ),
        migrations.AlterField(
            "policyversion", "idle",
            points(60, "idle time", "For having been free for no time at all."),
        ),
        migrations.AlterField(
            "policyversion", "skill",
            points(5, "skill", "For knowing what is asked for least well."),
        ),
        migrations.RunSQL(THIRD, NONE),
    ]
