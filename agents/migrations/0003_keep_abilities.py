"""What an agent can do, beside their presence: one row to read when somebody is looked for."""

from django.db import migrations

KEEP = """
CREATE FUNCTION keep_abilities() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE them uuid := coalesce(NEW.agent_id, OLD.agent_id);
BEGIN
    UPDATE agents_presence SET abilities = ARRAY(
        SELECT l.language || '/' || step
        FROM agents_agentlanguage l, generate_series(1, l.level) step WHERE l.agent_id = them
        UNION ALL
        SELECT s.skill || ':' || step
        FROM agents_agentskill s, generate_series(1, s.level) step WHERE s.agent_id = them
        ORDER BY 1
    ) WHERE agent_id = them;
    RETURN NULL;
END $$;

CREATE TRIGGER languages_are_abilities AFTER INSERT OR UPDATE OR DELETE ON agents_agentlanguage
    FOR EACH ROW EXECUTE FUNCTION keep_abilities();
CREATE TRIGGER skills_are_abilities AFTER INSERT OR UPDATE OR DELETE ON agents_agentskill
    FOR EACH ROW EXECUTE FUNCTION keep_abilities();
CREATE TRIGGER presence_knows_abilities AFTER INSERT ON agents_presence
    FOR EACH ROW EXECUTE FUNCTION keep_abilities();
"""

FORGET = """
DROP TRIGGER presence_knows_abilities ON agents_presence;
DROP TRIGGER skills_are_abilities ON agents_agentskill;
DROP TRIGGER languages_are_abilities ON agents_agentlanguage;
DROP FUNCTION keep_abilities();
"""


class Migration(migrations.Migration):
    dependencies = [("agents", "0002_guard_the_journal")]

    operations = [migrations.RunSQL(KEEP, FORGET)]
