"""The fourth version of the matching policy; where a coordinator wrote one, theirs stays.

What is asked for may in the end not be asked for at all; versions of before never went below
level 1. It begins after the third and the last decision there is, so that none seems to have been
made under it.
"""

import django.core.validators
from django.db import migrations, models

FOURTH = """
INSERT INTO dispatch_policyversion (
    version, valid_from, note, waiting, urgency, language, skill, rare, stranger, quality,
    quality_unknown, idle, idle_enough, share, share_full, asked_before, unserved, relax_after,
    least_level, exclusive_for, max_parallel_offers, created_at
)
SELECT
    4, greatest('2026-11-28 00:00:00+00', valid_from + interval '1 second',
        (SELECT max(at) FROM dispatch_decision)),
    'Where nobody who knows what is asked for is free in time, somebody who speaks the language '
    'answers; what is asked for at level 3 or more stays asked for.',
    10, 20, 20, 5, 150, 80, 20,
    75, 60, 2400, 15, 20, 500, 100000, '{10,12}',
    0, 20, 3, '2026-11-28 00:00:00+00'
FROM dispatch_policyversion
WHERE version = 3 AND note LIKE 'Kept for others is now who is likely to be needed soon,%'
    AND NOT EXISTS (SELECT 1 FROM dispatch_policyversion WHERE version > 3);
"""

NONE = """
ALTER TABLE dispatch_policyversion DISABLE TRIGGER a_policy_never_changes;
DELETE FROM dispatch_policyversion WHERE version = 4;
ALTER TABLE dispatch_policyversion ENABLE TRIGGER a_policy_never_changes;
"""


def least(default):
    return models.PositiveSmallIntegerField(
        default=default,
        help_text="At 0 a skill is in the end not asked for at all, so that somebody answers.",
        validators=[django.core.validators.MaxValueValidator(5)],
        verbose_name="never below level",
    )


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0024_third_policy")]

    operations = [
        migrations.AddField("policyversion", "least_level", least(1)),
        migrations.AlterField("policyversion", "least_level", least(0)),
        migrations.RunSQL(FOURTH, NONE),
    ]
