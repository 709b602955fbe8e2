"""Certificates are abilities too, and what somebody could do at a moment is kept."""

from importlib import import_module

from django.db import migrations

before = import_module("agents.migrations.0003_keep_abilities")

KEEP = """
CREATE OR REPLACE FUNCTION keep_abilities() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE them uuid := coalesce(NEW.agent_id, OLD.agent_id);
BEGIN
    UPDATE agents_presence SET abilities = ARRAY(
        SELECT l.language || '/' || step
        FROM agents_agentlanguage l, generate_series(1, l.level) step WHERE l.agent_id = them
        UNION ALL
        SELECT s.skill || ':' || step
        FROM agents_agentskill s, generate_series(1, s.level) step WHERE s.agent_id = them
        UNION ALL
        SELECT '+' || c.code
        FROM agents_agentcertificate c WHERE c.agent_id = them AND NOT c.lapsed
        ORDER BY 1
    ) WHERE agent_id = them;
    RETURN NULL;
END $$;

CREATE TRIGGER certificates_are_abilities
    AFTER INSERT OR UPDATE OR DELETE ON agents_agentcertificate
    FOR EACH ROW EXECUTE FUNCTION keep_abilities();

CREATE FUNCTION remember_abilities() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO agents_abilityspan (agent_id, abilities, capacity, started_at)
    VALUES (NEW.agent_id, NEW.abilities, NEW.capacity, clock_timestamp());
    RETURN NULL;
END $$;

CREATE TRIGGER abilities_are_remembered AFTER INSERT ON agents_presence
    FOR EACH ROW EXECUTE FUNCTION remember_abilities();
CREATE TRIGGER new_abilities_are_remembered AFTER UPDATE OF abilities, capacity ON agents_presence
    FOR EACH ROW
    WHEN (OLD.abilities IS DISTINCT FROM NEW.abilities OR OLD.capacity <> NEW.capacity)
    EXECUTE FUNCTION remember_abilities();

INSERT INTO agents_abilityspan (agent_id, abilities, capacity, started_at)
SELECT agent_id, abilities, capacity, clock_timestamp() FROM agents_presence;
"""

FORGET = """
DROP TRIGGER new_abilities_are_remembered ON agents_presence;
DROP TRIGGER abilities_are_remembered ON agents_presence;
DROP FUNCTION remember_abilities();
DROP TRIGGER certificates_are_abilities ON agents_agentcertificate;
""" + before.KEEP.split("CREATE TRIGGER")[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("agents", "0004_certificates_pauses_and_shares")]

    operations = [migrations.RunSQL(KEEP, FORGET)]
