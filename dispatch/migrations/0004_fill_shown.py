"""Before screens said what they showed, every offer counted as shown when it was sent."""

from django.db import migrations

FILL = """
UPDATE dispatch_offer SET shown_at = sent_at WHERE status IN ('accepted', 'declined', 'expired');
"""


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0003_policies_decisions_and_parallel_offers")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
