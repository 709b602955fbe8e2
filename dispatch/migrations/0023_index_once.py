import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0010_presence_here'),
        ('dispatch', '0022_second_policy'),
        ('tickets', '0024_index_once'),
    ]

    operations = [
        migrations.AlterField(
            model_name='offer',
            name='agent',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='agents.agent', verbose_name='agent'),
        ),
        migrations.AlterField(
            model_name='offer',
            name='decision',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='dispatch.decision', verbose_name='decision'),
        ),
        migrations.AlterField(
            model_name='offer',
            name='ticket',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='tickets.ticket', verbose_name='ticket'),
        ),
    ]
