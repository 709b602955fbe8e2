"""The second version of the matching policy; where a coordinator wrote one, theirs stays.

It begins after the last decision there is, so that none seems to have been made under it.
"""

from django.db import migrations

SECOND = """
INSERT INTO dispatch_policyversion (
    version, valid_from, note, waiting, urgency, language, skill, rare, stranger, quality,
    quality_unknown, idle, idle_enough, share, share_full, asked_before, unserved, relax_after,
    exclusive_for, max_parallel_offers, created_at
)
SELECT
    2, greatest('2026-11-22 00:00:00+00', (SELECT max(at) FROM dispatch_decision)),
    'Whoever can do what few can is kept for those who need it; how much better than asked for '
    'somebody is counts for less.',
    10, 20, 20, 10, 50, 30, 20,
    75, 20, 2400, 15, 20, 500, 100000, '{60,120}',
    20, 3, '2026-11-22 00:00:00+00'
WHERE NOT EXISTS (SELECT 1 FROM dispatch_policyversion WHERE version > 1);
"""

NONE = """
ALTER TABLE dispatch_policyversion DISABLE TRIGGER a_policy_never_changes;
DELETE FROM dispatch_policyversion WHERE version = 2;
ALTER TABLE dispatch_policyversion ENABLE TRIGGER a_policy_never_changes;
"""


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0021_rarity")]

    operations = [migrations.RunSQL(SECOND, NONE)]
