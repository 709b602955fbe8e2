"""The database function that takes the lock of an idempotency key and then looks the key up."""

from django.db import migrations

# Each statement of a function sees what was committed before it began. The key is looked up after
# the lock is held, so a repeated request finds the answer of the first, in one round trip.
HOLD = """
CREATE FUNCTION tickets_hold_key(
    client uuid, named text,
    OUT held boolean, OUT at timestamptz, OUT fingerprint text, OUT status integer, OUT body jsonb
) LANGUAGE plpgsql AS $$
BEGIN
    held := pg_try_advisory_xact_lock(hashtextextended(client || ':' || named, 0));
    IF held THEN
        SELECT known.fingerprint, known.status, known.body
        INTO tickets_hold_key.fingerprint, tickets_hold_key.status, tickets_hold_key.body
        FROM tickets_idempotencykey known WHERE known.client_id = client AND known.key = named;
    END IF;
    at := clock_timestamp();
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_tables")]

    operations = [migrations.RunSQL(HOLD, "DROP FUNCTION tickets_hold_key(uuid, text)")]
