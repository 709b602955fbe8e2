"""Who is free, by language and idle time: kept by the database as presence changes."""

from django.db import migrations

KEEP = """
CREATE FUNCTION keep_the_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The row as it is now: another trigger may have changed it since.
    DELETE FROM agents_freeplace WHERE agent_id = NEW.agent_id;
    INSERT INTO agents_freeplace (agent_id, language, idle_since, abilities)
    SELECT p.agent_id, left(word, -2), coalesce(p.idle_since, p.since, now()), p.abilities
    FROM agents_presence p, unnest(p.abilities) word
    WHERE p.agent_id = NEW.agent_id AND p.status = 'available' AND p.load < p.capacity
        AND word LIKE '%/1';
    RETURN NULL;
END $$;

CREATE TRIGGER the_free_stand_in_line AFTER INSERT ON agents_presence
    FOR EACH ROW WHEN (NEW.status = 'available') EXECUTE FUNCTION keep_the_line();
CREATE TRIGGER the_free_are_kept_in_line AFTER UPDATE ON agents_presence
    FOR EACH ROW WHEN (
        (OLD.status = 'available' AND OLD.load < OLD.capacity)
            <> (NEW.status = 'available' AND NEW.load < NEW.capacity)
        OR OLD.idle_since IS DISTINCT FROM NEW.idle_since
        OR OLD.abilities IS DISTINCT FROM NEW.abilities
    ) EXECUTE FUNCTION keep_the_line();

INSERT INTO agents_freeplace (agent_id, language, idle_since, abilities)
SELECT p.agent_id, left(word, -2), coalesce(p.idle_since, p.since, now()), p.abilities
FROM agents_presence p, unnest(p.abilities) word
WHERE p.status = 'available' AND p.load < p.capacity AND word LIKE '%/1';
"""

FORGET = """
DROP TRIGGER the_free_are_kept_in_line ON agents_presence;
DROP TRIGGER the_free_stand_in_line ON agents_presence;
DROP FUNCTION keep_the_line();
DELETE FROM agents_freeplace;
"""


class Migration(migrations.Migration):
    dependencies = [("agents", "0006_places_in_line")]

    operations = [migrations.RunSQL(KEEP, FORGET)]
