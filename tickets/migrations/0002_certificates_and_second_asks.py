from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='client',
            name='certificate',
            field=models.SlugField(blank=True, help_text='Only agents who hold this certificate are asked; empty: everybody may be.', max_length=40, verbose_name='certificate'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='ask_again_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='ticket',
            name='relaxed',
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('asked', True), ('status', 'queued')), fields=['ask_again_at'], name='tickets_asking_again'),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['relaxed', 'queued_at'], name='tickets_relaxing'),
        ),
    ]
