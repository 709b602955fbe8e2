import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('language', models.CharField(choices=[('en', 'English'), ('fr', 'French')], default='en', max_length=8, verbose_name='language of the pages')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
                'abstract': False,
            },
            managers=[
                ('objects', django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='Agent',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(help_text='Shown to customers.', max_length=80, verbose_name='name')),
                ('country', models.CharField(default='FR', max_length=2, verbose_name='country')),
                ('time_zone', models.CharField(default='Europe/Paris', max_length=64, verbose_name='time zone')),
                ('currency', models.CharField(default='EUR', max_length=3, verbose_name='currency')),
                ('status', models.CharField(choices=[('invited', 'invited'), ('approved', 'approved'), ('restricted', 'restricted')], default='invited', max_length=10, verbose_name='status')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='agent', to=settings.AUTH_USER_MODEL, verbose_name='login')),
            ],
            options={
                'verbose_name': 'agent',
                'verbose_name_plural': 'agents',
            },
        ),
        migrations.CreateModel(
            name='AbilitySpan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('abilities', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('capacity', models.PositiveSmallIntegerField()),
                ('started_at', models.DateTimeField()),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ability_spans', to='agents.agent')),
            ],
            options={
                'verbose_name': 'abilities',
                'verbose_name_plural': 'history of abilities',
            },
        ),
        migrations.CreateModel(
            name='AgentCertificate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, verbose_name='certificate')),
                ('valid_until', models.DateField(blank=True, null=True, verbose_name='valid until')),
                ('lapsed', models.BooleanField(default=False, editable=False)),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='certificates', to='agents.agent')),
            ],
            options={
                'verbose_name': 'certificate',
                'verbose_name_plural': 'certificates',
            },
        ),
        migrations.CreateModel(
            name='AgentLanguage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(max_length=16, verbose_name='language')),
                ('level', models.PositiveSmallIntegerField(default=4, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)], verbose_name='proficiency')),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='languages', to='agents.agent')),
            ],
            options={
                'verbose_name': 'language',
                'verbose_name_plural': 'languages',
            },
        ),
        migrations.CreateModel(
            name='AgentSkill',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('skill', models.SlugField(max_length=40, verbose_name='skill')),
                ('level', models.PositiveSmallIntegerField(default=3, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)], verbose_name='proficiency')),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='skills', to='agents.agent')),
            ],
            options={
                'verbose_name': 'skill',
                'verbose_name_plural': 'skills',
            },
        ),
        migrations.CreateModel(
            name='FreeAgentEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(max_length=16)),
                ('idle_since', models.DateTimeField()),
                ('abilities', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('agent', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.agent')),
            ],
            options={
                'verbose_name': 'place in line',
                'verbose_name_plural': 'places in line',
            },
        ),
        migrations.CreateModel(
            name='JournalEntry',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('earning', 'earning'), ('reversal', 'reversal')], max_length=10, verbose_name='kind')),
                ('source_type', models.CharField(max_length=20, verbose_name='source')),
                ('source_id', models.UUIDField(verbose_name='source id')),
                ('version', models.PositiveSmallIntegerField(default=1, verbose_name='version')),
                ('memo', models.JSONField(default=dict, verbose_name='how it is made up')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred')),
                ('posted_at', models.DateTimeField(auto_now_add=True, verbose_name='posted')),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='journal', to='agents.agent', verbose_name='agent')),
                ('reverses', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='agents.journalentry', verbose_name='reverses')),
            ],
            options={
                'verbose_name': 'journal entry',
                'verbose_name_plural': 'ledger',
            },
        ),
        migrations.CreateModel(
            name='JournalLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account', models.CharField(max_length=80, verbose_name='account')),
                ('amount', models.BigIntegerField(help_text='In minor units; debit above zero.', verbose_name='amount')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='agents.journalentry')),
            ],
            options={
                'verbose_name': 'journal line',
                'verbose_name_plural': 'journal lines',
            },
        ),
        migrations.CreateModel(
            name='PresenceSpan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('offline', 'offline'), ('available', 'available'), ('away', 'away')], max_length=10, verbose_name='presence')),
                ('started_at', models.DateTimeField(verbose_name='started')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='spans', to='agents.agent')),
            ],
            options={
                'verbose_name': 'presence span',
                'verbose_name_plural': 'presence history',
            },
        ),
        migrations.CreateModel(
            name='RateCard',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client', models.SlugField(max_length=40, verbose_name='client')),
                ('currency', models.CharField(default='EUR', max_length=3, verbose_name='currency')),
                ('per_ticket', models.PositiveIntegerField(help_text='In minor units (cents).', verbose_name='per ticket')),
                ('per_minute', models.DecimalField(decimal_places=4, help_text='In minor units; fractions allowed.', max_digits=12, verbose_name='per minute')),
                ('least', models.PositiveIntegerField(default=0, help_text='In minor units (cents).', verbose_name='least per ticket')),
                ('expected_minutes', models.PositiveSmallIntegerField(default=8, help_text='Used until enough real conversations are measured.', verbose_name='expected minutes')),
                ('valid_from', models.DateTimeField(verbose_name='valid from')),
                ('valid_to', models.DateTimeField(blank=True, null=True, verbose_name='valid to')),
            ],
            options={
                'verbose_name': 'rate card',
                'verbose_name_plural': 'rate cards',
                'constraints': [models.UniqueConstraint(fields=('client', 'valid_from'), name='one_card_per_start'), models.CheckConstraint(condition=models.Q(('per_minute__gte', 0)), name='per_minute_is_not_negative'), models.CheckConstraint(condition=models.Q(('valid_to', None), ('valid_to__gt', models.F('valid_from')), _connector='OR'), name='card_ends_after_it_starts')],
            },
        ),
        migrations.CreateModel(
            name='RatePremium',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('skill', 'skill'), ('language', 'language')], max_length=10, verbose_name='kind')),
                ('code', models.CharField(max_length=40, verbose_name='code')),
                ('per_ticket', models.PositiveIntegerField(help_text='In minor units (cents).', verbose_name='per ticket')),
                ('card', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='premiums', to='agents.ratecard')),
            ],
            options={
                'verbose_name': 'premium',
                'verbose_name_plural': 'premiums',
            },
        ),
        migrations.CreateModel(
            name='Presence',
            fields=[
                ('agent', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='presence', serialize=False, to='agents.agent', verbose_name='agent')),
                ('status', models.CharField(choices=[('offline', 'offline'), ('available', 'available'), ('away', 'away')], default='offline', max_length=10, verbose_name='presence')),
                ('since', models.DateTimeField(null=True, verbose_name='since')),
                ('seen_at', models.DateTimeField(null=True, verbose_name='last seen')),
                ('idle_since', models.DateTimeField(null=True, verbose_name='idle since')),
                ('capacity', models.PositiveSmallIntegerField(default=1, help_text='Most conversations at once.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(10)], verbose_name='capacity')),
                ('abilities', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, editable=False, size=None)),
                ('load', models.PositiveSmallIntegerField(default=0, help_text='Pending offers and open assignments.', verbose_name='load')),
                ('worked_today', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('worked_on', models.DateField(editable=False, null=True)),
                ('timeouts_in_row', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('paused', models.BooleanField(default=False, editable=False, verbose_name='paused')),
                ('auto_accept', models.BooleanField(default=False, editable=False, verbose_name='accepts by itself')),
                ('auto_accept_limit', models.PositiveSmallIntegerField(default=6, editable=False, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(30)], verbose_name='most accepted by itself an hour')),
            ],
            options={
                'verbose_name': 'presence',
                'verbose_name_plural': 'presence',
                'indexes': [models.Index(condition=models.Q(('status__in', ['available', 'away'])), fields=['status'], name='presence_here')],
                'constraints': [models.CheckConstraint(condition=models.Q(('load__gte', 0), ('load__lte', models.F('capacity'))), name='load_is_within_capacity')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='presence',
            trigger=pgtrigger.compiler.Trigger(name='record_abilities_on_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='\n        INSERT INTO agents_abilityspan (agent_id, abilities, capacity, started_at)\n        VALUES (NEW.agent_id, NEW.abilities, NEW.capacity, clock_timestamp());\n        RETURN NULL;\n    ', hash='65b86f782fa221ffdac536b4dfa815a44db1218b', operation='INSERT', pgid='pgtrigger_record_abilities_on_insert_b84d8', table='agents_presence', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='presence',
            trigger=pgtrigger.compiler.Trigger(name='refresh_abilities', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        UPDATE agents_presence p SET abilities = ARRAY(\n            SELECT l.language || '/' || step\n            FROM agents_agentlanguage l, generate_series(1, l.level) step\n            WHERE l.agent_id = p.agent_id\n            UNION ALL\n            SELECT s.skill || ':' || step\n            FROM agents_agentskill s, generate_series(1, s.level) step\n            WHERE s.agent_id = p.agent_id\n            UNION ALL\n            SELECT '+' || c.code\n            FROM agents_agentcertificate c WHERE c.agent_id = p.agent_id AND NOT c.lapsed\n            ORDER BY 1\n        ) WHERE p.agent_id IN (NEW.agent_id, OLD.agent_id);\n        RETURN NULL;\n    ", hash='71252c7a67ebb6810ee357223ba7764ff38ca2c1', operation='INSERT', pgid='pgtrigger_refresh_abilities_91cbe', table='agents_presence', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='presence',
            trigger=pgtrigger.compiler.Trigger(name='refresh_free_agents_on_insert', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."status" = \'available\')', func="\n        DELETE FROM agents_freeagententry WHERE agent_id = NEW.agent_id;\n        INSERT INTO agents_freeagententry (agent_id, language, idle_since, abilities)\n        SELECT p.agent_id, left(ability, -2), coalesce(p.idle_since, p.since, now()), p.abilities\n        FROM agents_presence p, unnest(p.abilities) ability\n        WHERE p.agent_id = NEW.agent_id AND p.status = 'available' AND p.load < p.capacity\n            AND ability LIKE '%/1';\n        RETURN NULL;\n    ", hash='558dde864355ed63de88e2f136707273b965372d', operation='INSERT', pgid='pgtrigger_refresh_free_agents_on_insert_56380', table='agents_presence', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='presence',
            trigger=pgtrigger.compiler.Trigger(name='record_abilities_on_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."abilities" IS DISTINCT FROM (NEW."abilities") OR OLD."capacity" IS DISTINCT FROM (NEW."capacity"))', func='\n        INSERT INTO agents_abilityspan (agent_id, abilities, capacity, started_at)\n        VALUES (NEW.agent_id, NEW.abilities, NEW.capacity, clock_timestamp());\n        RETURN NULL;\n    ', hash='2423990b64834f166779a1f8c62de5cb38914408', operation='UPDATE OF "abilities", "capacity"', pgid='pgtrigger_record_abilities_on_update_7f4aa', table='agents_presence', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='presence',
            trigger=pgtrigger.compiler.Trigger(name='refresh_free_agents_on_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (OLD.idle_since IS DISTINCT FROM NEW.idle_since\n        OR OLD.abilities IS DISTINCT FROM NEW.abilities\n        OR (OLD.status = 'available' AND OLD.load < OLD.capacity)\n            <> (NEW.status = 'available' AND NEW.load < NEW.capacity))", func="\n        DELETE FROM agents_freeagententry WHERE agent_id = NEW.agent_id;\n        INSERT INTO agents_freeagententry (agent_id, language, idle_since, abilities)\n        SELECT p.agent_id, left(ability, -2), coalesce(p.idle_since, p.since, now()), p.abilities\n        FROM agents_presence p, unnest(p.abilities) ability\n        WHERE p.agent_id = NEW.agent_id AND p.status = 'available' AND p.load < p.capacity\n            AND ability LIKE '%/1';\n        RETURN NULL;\n    ", hash='196eb340bc8df5427570308815273940786fded8', operation='UPDATE', pgid='pgtrigger_refresh_free_agents_on_update_5a5d7', table='agents_presence', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='abilityspan',
            index=models.Index(fields=['agent', '-started_at'], name='abilities_by_agent'),
        ),
        migrations.AddIndex(
            model_name='agentcertificate',
            index=models.Index(condition=models.Q(('lapsed', False)), fields=['valid_until'], name='certificates_ending'),
        ),
        migrations.AddConstraint(
            model_name='agentcertificate',
            constraint=models.UniqueConstraint(fields=('agent', 'code'), name='one_certificate_per_agent_and_code'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agentcertificate',
            trigger=pgtrigger.compiler.Trigger(name='refresh_abilities', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        UPDATE agents_presence p SET abilities = ARRAY(\n            SELECT l.language || '/' || step\n            FROM agents_agentlanguage l, generate_series(1, l.level) step\n            WHERE l.agent_id = p.agent_id\n            UNION ALL\n            SELECT s.skill || ':' || step\n            FROM agents_agentskill s, generate_series(1, s.level) step\n            WHERE s.agent_id = p.agent_id\n            UNION ALL\n            SELECT '+' || c.code\n            FROM agents_agentcertificate c WHERE c.agent_id = p.agent_id AND NOT c.lapsed\n            ORDER BY 1\n        ) WHERE p.agent_id IN (NEW.agent_id, OLD.agent_id);\n        RETURN NULL;\n    ", hash='f6f5e01adeb9400cc47f44081420cecf39ad38c4', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_refresh_abilities_9d17a', table='agents_agentcertificate', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='agentlanguage',
            constraint=models.UniqueConstraint(fields=('agent', 'language'), name='one_level_per_agent_and_language'),
        ),
        migrations.AddConstraint(
            model_name='agentlanguage',
            constraint=models.CheckConstraint(condition=models.Q(('level__range', (1, 5))), name='language_level_is_1_to_5'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agentlanguage',
            trigger=pgtrigger.compiler.Trigger(name='refresh_abilities', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        UPDATE agents_presence p SET abilities = ARRAY(\n            SELECT l.language || '/' || step\n            FROM agents_agentlanguage l, generate_series(1, l.level) step\n            WHERE l.agent_id = p.agent_id\n            UNION ALL\n            SELECT s.skill || ':' || step\n            FROM agents_agentskill s, generate_series(1, s.level) step\n            WHERE s.agent_id = p.agent_id\n            UNION ALL\n            SELECT '+' || c.code\n            FROM agents_agentcertificate c WHERE c.agent_id = p.agent_id AND NOT c.lapsed\n            ORDER BY 1\n        ) WHERE p.agent_id IN (NEW.agent_id, OLD.agent_id);\n        RETURN NULL;\n    ", hash='a0667e3990c9481f8eee30a0acec007e7956b195', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_refresh_abilities_d38d6', table='agents_agentlanguage', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='agentskill',
            constraint=models.UniqueConstraint(fields=('agent', 'skill'), name='one_level_per_agent_and_skill'),
        ),
        migrations.AddConstraint(
            model_name='agentskill',
            constraint=models.CheckConstraint(condition=models.Q(('level__range', (1, 5))), name='skill_level_is_1_to_5'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agentskill',
            trigger=pgtrigger.compiler.Trigger(name='refresh_abilities', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        UPDATE agents_presence p SET abilities = ARRAY(\n            SELECT l.language || '/' || step\n            FROM agents_agentlanguage l, generate_series(1, l.level) step\n            WHERE l.agent_id = p.agent_id\n            UNION ALL\n            SELECT s.skill || ':' || step\n            FROM agents_agentskill s, generate_series(1, s.level) step\n            WHERE s.agent_id = p.agent_id\n            UNION ALL\n            SELECT '+' || c.code\n            FROM agents_agentcertificate c WHERE c.agent_id = p.agent_id AND NOT c.lapsed\n            ORDER BY 1\n        ) WHERE p.agent_id IN (NEW.agent_id, OLD.agent_id);\n        RETURN NULL;\n    ", hash='41819bc5f906ce7dd31255bb154c415584a00985', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_refresh_abilities_dd3d9', table='agents_agentskill', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='freeagententry',
            index=models.Index(fields=['language', 'idle_since'], name='places_in_line'),
        ),
        migrations.AddIndex(
            model_name='freeagententry',
            index=models.Index(fields=['agent'], name='places_by_agent'),
        ),
        migrations.AddIndex(
            model_name='journalentry',
            index=models.Index(fields=['agent', 'occurred_at'], name='entry_by_agent'),
        ),
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.UniqueConstraint(fields=('source_type', 'source_id', 'kind', 'version'), name='one_entry_per_source_and_kind'),
        ),
        migrations.AddConstraint(
            model_name='journalentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'reversal'), ('reverses__isnull', False)), models.Q(models.Q(('kind', 'reversal'), _negated=True), ('reverses', None)), _connector='OR'), name='only_a_reversal_reverses'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalentry',
            trigger=pgtrigger.compiler.Trigger(name='journal_entries_never_change', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        RAISE EXCEPTION 'agents_journalentry is append-only'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entries_never_change';\n    ", hash='99db41e70052f46b5fa44e981c3ba25f2aeac1d0', operation='UPDATE OR DELETE', pgid='pgtrigger_journal_entries_never_change_1b0e5', table='agents_journalentry', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalentry',
            trigger=pgtrigger.compiler.Trigger(name='journal_entries_balance', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', func="\n        IF (SELECT count(*) < 2 FROM agents_journalline WHERE entry_id = NEW.id) OR EXISTS (\n            SELECT 1 FROM agents_journalline WHERE entry_id = NEW.id\n            GROUP BY currency HAVING sum(amount) <> 0\n        ) THEN\n            RAISE EXCEPTION 'journal entry % does not balance', NEW.id\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entries_balance';\n        END IF;\n        RETURN NULL;\n        ", hash='ff9ea53d52927b52453f644549a00c629b47caa4', operation='INSERT', pgid='pgtrigger_journal_entries_balance_59d73', table='agents_journalentry', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='journalline',
            index=models.Index(fields=['account'], name='line_by_account'),
        ),
        migrations.AddConstraint(
            model_name='journalline',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='a_line_moves_money'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalline',
            trigger=pgtrigger.compiler.Trigger(name='journal_lines_never_change', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        RAISE EXCEPTION 'agents_journalline is append-only'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_lines_never_change';\n    ", hash='9e62b52a39d39ace29367f1ce387f36b3dcefaab', operation='UPDATE OR DELETE', pgid='pgtrigger_journal_lines_never_change_b83d3', table='agents_journalline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='journalline',
            trigger=pgtrigger.compiler.Trigger(name='journal_lines_balance', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', func="\n        IF (SELECT count(*) < 2 FROM agents_journalline WHERE entry_id = NEW.entry_id) OR EXISTS (\n            SELECT 1 FROM agents_journalline WHERE entry_id = NEW.entry_id\n            GROUP BY currency HAVING sum(amount) <> 0\n        ) THEN\n            RAISE EXCEPTION 'journal entry % does not balance', NEW.entry_id\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entries_balance';\n        END IF;\n        RETURN NULL;\n        ", hash='b08be680ec1138f12ee3130751dc86184515c7d9', operation='INSERT', pgid='pgtrigger_journal_lines_balance_c3854', table='agents_journalline', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='presencespan',
            index=models.Index(fields=['agent', 'started_at'], name='span_by_agent'),
        ),
        migrations.AddConstraint(
            model_name='presencespan',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('agent',), name='one_open_span_per_agent'),
        ),
        migrations.AddConstraint(
            model_name='ratepremium',
            constraint=models.UniqueConstraint(fields=('card', 'kind', 'code'), name='one_premium_per_code'),
        ),
    ]
