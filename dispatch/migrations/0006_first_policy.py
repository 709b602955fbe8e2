"""The first version of the matching policy, and the guard that no version is ever changed."""

from django.db import migrations

FIRST = """
INSERT INTO dispatch_policyversion (
    version, valid_from, note, waiting, urgency, language, skill, stranger, quality,
    quality_unknown, idle, idle_enough, share, share_full, asked_before, unserved, relax_after,
    exclusive_for, max_parallel_offers, created_at
) VALUES (
    1, '2026-11-01 00:00:00+00', 'The first policy.', 10, 20, 40, 40, 30, 20,
    75, 20, 2400, 15, 20, 500, 100000, '{60,120}', 20, 3, '2026-11-01 00:00:00+00'
);

CREATE FUNCTION refuse_new_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'decisions were made under this version: add another'
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;

CREATE TRIGGER a_policy_never_changes BEFORE UPDATE OR DELETE ON dispatch_policyversion
    FOR EACH ROW EXECUTE FUNCTION refuse_new_policy();
"""

NONE = """
DROP TRIGGER a_policy_never_changes ON dispatch_policyversion;
DROP FUNCTION refuse_new_policy();
DELETE FROM dispatch_policyversion WHERE version = 1;
"""


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0005_what_expired_was_shown")]

    operations = [migrations.RunSQL(FIRST, NONE)]
