"""Each app has a single migration of its tables until the first release, without rows and
functions."""

from pathlib import Path

import pgtrigger
import pytest
from django.core.management import call_command
from django.db import connection

from dispatch.models import PolicyVersion

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = {
    "agents": ["0001_tables"],
    "tickets": ["0001_tables"],
    "dispatch": ["0001_tables", "0002_first_policy"],
}
#: The rules that the database enforces itself. A new rule must be added here on purpose.
ROW_RULES = {
    "agents.AgentCertificate:refresh_abilities",
    "agents.AgentLanguage:refresh_abilities",
    "agents.AgentSkill:refresh_abilities",
    "agents.JournalEntry:journal_entries_balance",
    "agents.JournalEntry:journal_entries_never_change",
    "agents.JournalLine:journal_lines_balance",
    "agents.JournalLine:journal_lines_never_change",
    "agents.Presence:record_abilities_on_insert",
    "agents.Presence:record_abilities_on_update",
    "agents.Presence:refresh_abilities",
    "agents.Presence:refresh_free_agents_on_insert",
    "agents.Presence:refresh_free_agents_on_update",
    "dispatch.Offer:pay_never_changes",
    "dispatch.PolicyVersion:a_policy_never_changes",
}


@pytest.mark.parametrize("app", MIGRATIONS)
def test_an_app_has_one_migration_of_its_tables(app: str) -> None:
    found = sorted(path.stem for path in (ROOT / app / "migrations").glob("[0-9]*.py"))

    assert found == MIGRATIONS[app]


@pytest.mark.django_db
def test_the_migrations_match_the_models() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_each_row_rule_is_on_its_model_and_in_the_database() -> None:
    rules = {trigger.get_uri(model): (model, trigger) for model, trigger in pgtrigger.registered()}

    assert rules.keys() == ROW_RULES
    installed = {uri: rule.get_installation_status(model) for uri, (model, rule) in rules.items()}
    assert installed == dict.fromkeys(ROW_RULES, ("INSTALLED", True))


@pytest.mark.django_db(transaction=True)
def test_row_rules_wrap_no_statement() -> None:
    PolicyVersion.objects.exists()

    assert connection.execute_wrappers == []
