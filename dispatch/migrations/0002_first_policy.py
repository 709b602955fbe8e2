"""The matching policy that the product comes with, version 1."""

from datetime import UTC, datetime

from django.db import migrations


def add_policy(apps, schema_editor):
    """Write the row. A weight not named here has the default of its column in `0001_tables`."""
    apps.get_model("dispatch", "PolicyVersion").objects.get_or_create(
        version=1,
        defaults={
            "valid_from": datetime(2026, 11, 1, tzinfo=UTC),
            "note": "What is asked for stays asked for: levels are lowered late and "
            "little.",
        },
    )


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0001_tables")]

    # Backwards the row stays: `a_policy_never_changes` refuses to delete it.
    operations = [migrations.RunPython(add_policy, migrations.RunPython.noop)]
