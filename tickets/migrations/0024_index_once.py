import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tickets", "0023_hold_a_key")]

    operations = [
        migrations.AlterField(
            model_name="idempotencykey",
            name="client",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="tickets.client",
            ),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="client",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tickets",
                to="tickets.client",
                verbose_name="client",
            ),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="topic",
            field=models.SlugField(db_index=False, max_length=60, verbose_name="topic"),
        ),
    ]
