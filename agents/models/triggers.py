"""Row rules of supply: checks and writes that PostgreSQL makes itself when a row changes.

Each rule is a trigger in the `Meta.triggers` of its model, so `makemigrations` finds each change of
it. Triggers apply to every statement, raw SQL included; Python code can be bypassed. PostgreSQL
fires the triggers of one event in alphabetical order. An inserted presence needs that order:
`record_abilities_on_insert` before `refresh_abilities`, or the history ends with no ability.
"""

import pgtrigger
from pgtrigger import After, Before, Deferred, Delete, Insert, Update, UpdateOf


def refuse(constraint: str, message: str) -> str:
    """Write the body of a trigger that refuses a row.

    The error carries the name of the rule like the error of a broken constraint does. Django
    raises IntegrityError, and logs and tests tell the rules apart by that name.
    """
    return f"""
        RAISE EXCEPTION '{message}'
            USING ERRCODE = 'check_violation', CONSTRAINT = '{constraint}';
    """


class NeverChanges(pgtrigger.Trigger):
    """A row is written once. The database refuses each UPDATE and DELETE of it."""

    when = Before
    operation = Update | Delete

    def __init__(self, *, name: str, message: str) -> None:
        super().__init__(name=name, func=refuse(name, message))


class EntryBalances(pgtrigger.Trigger):
    """A journal entry has two lines or more, and they sum to zero in each currency.

    The rule is checked when the transaction commits, because entry and lines come in several
    statements. `entry` is the id of the entry as the trigger's row names it.
    """

    when = After
    operation = Insert
    timing = Deferred

    def __init__(self, *, name: str, entry: str) -> None:
        check = f"""
        IF (SELECT count(*) < 2 FROM agents_journalline WHERE entry_id = {entry}) OR EXISTS (
            SELECT 1 FROM agents_journalline WHERE entry_id = {entry}
            GROUP BY currency HAVING sum(amount) <> 0
        ) THEN
            RAISE EXCEPTION 'journal entry % does not balance', {entry}
                USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entries_balance';
        END IF;
        RETURN NULL;
        """
        super().__init__(name=name, func=check)


class RefreshAbilities(pgtrigger.Trigger):
    """The presence row lists all abilities of its agent, in the format of `tickets.lane`.

    Languages, skills and certificates are in three tables. A wave reads many agents, so it needs
    one row for each. A lapsed certificate is left out.
    """

    name = "refresh_abilities"
    when = After
    operation = Insert | Update | Delete
    # NEW is null after a DELETE and OLD after an INSERT. A row that moves changes two agents.
    func = """
        UPDATE agents_presence p SET abilities = ARRAY(
            SELECT l.language || '/' || step
            FROM agents_agentlanguage l, generate_series(1, l.level) step
            WHERE l.agent_id = p.agent_id
            UNION ALL
            SELECT s.skill || ':' || step
            FROM agents_agentskill s, generate_series(1, s.level) step
            WHERE s.agent_id = p.agent_id
            UNION ALL
            SELECT '+' || c.code
            FROM agents_agentcertificate c WHERE c.agent_id = p.agent_id AND NOT c.lapsed
            ORDER BY 1
        ) WHERE p.agent_id IN (NEW.agent_id, OLD.agent_id);
        RETURN NULL;
    """


class RecordAbilities(pgtrigger.Trigger):
    """The history of abilities gets a row, so a later reader can explain an earlier decision."""

    when = After
    func = """
        INSERT INTO agents_abilityspan (agent_id, abilities, capacity, started_at)
        VALUES (NEW.agent_id, NEW.abilities, NEW.capacity, clock_timestamp());
        RETURN NULL;
    """


class RecordAbilitiesOnInsert(RecordAbilities):
    """The history begins with the presence."""

    name = "record_abilities_on_insert"
    operation = Insert


class RecordAbilitiesOnUpdate(RecordAbilities):
    """The history gets a row only if abilities or capacity differ, because heartbeats update
    often."""

    name = "record_abilities_on_update"
    operation = UpdateOf("abilities", "capacity")
    condition = pgtrigger.AnyChange("abilities", "capacity")


class RefreshFreeAgents(pgtrigger.Trigger):
    """The index of free agents holds a row for each language of an agent with room for a ticket.

    The function reads the presence again, because a trigger that fired earlier may have changed it.
    """

    when = After
    func = """
        DELETE FROM agents_freeagententry WHERE agent_id = NEW.agent_id;
        INSERT INTO agents_freeagententry (agent_id, language, idle_since, abilities)
        SELECT p.agent_id, left(ability, -2), coalesce(p.idle_since, p.since, now()), p.abilities
        FROM agents_presence p, unnest(p.abilities) ability
        WHERE p.agent_id = NEW.agent_id AND p.status = 'available' AND p.load < p.capacity
            AND ability LIKE '%/1';
        RETURN NULL;
    """


class RefreshFreeAgentsOnInsert(RefreshFreeAgents):
    """A new presence changes the index only if it is available, which is rare."""

    name = "refresh_free_agents_on_insert"
    operation = Insert
    condition = pgtrigger.Q(new__status="available")


class RefreshFreeAgentsOnUpdate(RefreshFreeAgents):
    """The index changes only if its rows would differ, because heartbeats update presence often."""

    name = "refresh_free_agents_on_update"
    operation = Update
    condition = pgtrigger.Condition("""
        OLD.idle_since IS DISTINCT FROM NEW.idle_since
        OR OLD.abilities IS DISTINCT FROM NEW.abilities
        OR (OLD.status = 'available' AND OLD.load < OLD.capacity)
            <> (NEW.status = 'available' AND NEW.load < NEW.capacity)
    """)
