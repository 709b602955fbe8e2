"""Pay promised with an offer is never changed afterwards."""

from django.db import migrations

LOCK = """
CREATE FUNCTION refuse_new_pay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the pay of an offer is a promise'
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;

CREATE TRIGGER pay_never_changes BEFORE UPDATE OF pay ON dispatch_offer
    FOR EACH ROW WHEN (OLD.pay IS DISTINCT FROM NEW.pay) EXECUTE FUNCTION refuse_new_pay();
"""

UNLOCK = """
DROP TRIGGER pay_never_changes ON dispatch_offer;
DROP FUNCTION refuse_new_pay();
"""


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0001_initial")]

    operations = [migrations.RunSQL(LOCK, UNLOCK)]
