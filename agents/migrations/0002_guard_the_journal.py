"""The journal is append-only and sums to zero: said where it cannot be skipped."""

from django.db import migrations

GUARD = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;

CREATE TRIGGER journal_entries_never_change BEFORE UPDATE OR DELETE ON agents_journalentry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_lines_never_change BEFORE UPDATE OR DELETE ON agents_journalline
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION check_journal_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE entry uuid;
BEGIN
    IF TG_TABLE_NAME = 'agents_journalentry' THEN entry := NEW.id; ELSE entry := NEW.entry_id; END IF;
    IF (SELECT count(*) < 2 FROM agents_journalline WHERE entry_id = entry) OR EXISTS (
        SELECT 1 FROM agents_journalline WHERE entry_id = entry
        GROUP BY currency HAVING sum(amount) <> 0
    ) THEN
        RAISE EXCEPTION 'journal entry % does not balance', entry
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entries_balance';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER journal_entries_balance AFTER INSERT ON agents_journalentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_journal_balance();
CREATE CONSTRAINT TRIGGER journal_lines_balance AFTER INSERT ON agents_journalline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_journal_balance();
"""

UNGUARD = """
DROP TRIGGER journal_lines_balance ON agents_journalline;
DROP TRIGGER journal_entries_balance ON agents_journalentry;
DROP FUNCTION check_journal_balance();
DROP TRIGGER journal_lines_never_change ON agents_journalline;
DROP TRIGGER journal_entries_never_change ON agents_journalentry;
DROP FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("agents", "0001_initial")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
