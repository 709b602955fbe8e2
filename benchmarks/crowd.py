"""Thousands of agents and tickets in seconds, in the state that the product's own verbs leave."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib import import_module
from random import Random

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.utils.crypto import get_random_string

from agents.models import Agent, AgentLanguage, AgentSkill, Presence, PresenceSpan, User
from tickets import clock
from tickets.models import Client, Ticket
from tickets.models.tickets import build_lane

#: PostgreSQL accepts at most 65,535 parameters in a statement.
BATCH = 2000
#: The number of skills of each agent.
KNOWN = 3
#: The longest wait of a queued ticket, in seconds.
WAITED = 60


def make_agents(
    count: int, *, languages: Sequence[str], skills: Sequence[str] = (), capacity: int
) -> list[Agent]:
    """Create approved, available agents, the languages in turn, with three skills each."""
    chance = Random(count)
    names = [f"agent-{number}" for number in range(count)]
    users = User.objects.bulk_create(
        [User(username=name, password=make_password(None)) for name in names], batch_size=BATCH
    )
    made = Agent.objects.bulk_create(
        [
            Agent(user=user, name=f"Agent {number}", status=Agent.Status.APPROVED)
            for number, user in enumerate(users)
        ],
        batch_size=BATCH,
    )
    AgentLanguage.objects.bulk_create(
        [
            AgentLanguage(agent=agent, language=languages[number % len(languages)], level=5)
            for number, agent in enumerate(made)
        ],
        batch_size=BATCH,
    )
    AgentSkill.objects.bulk_create(
        [
            AgentSkill(agent=agent, skill=skill, level=chance.randint(2, 5))
            for agent in made
            for skill in chance.sample(skills, min(KNOWN, len(skills)))
        ],
        batch_size=BATCH,
    )
    # Presence comes last, so the trigger builds the abilities once and not for every skill.
    _make_available(made, capacity=capacity, chance=chance)
    return made


def _make_available(made: Sequence[Agent], *, capacity: int, chance: Random) -> None:
    at = clock.now()
    came = [at - timedelta(seconds=chance.uniform(1, 3600)) for _ in made]
    Presence.objects.bulk_create(
        [
            Presence(
                agent=agent,
                status=Presence.Status.AVAILABLE,
                since=since,
                idle_since=since,
                seen_at=at,
                capacity=capacity,
            )
            for agent, since in zip(made, came, strict=True)
        ],
        batch_size=BATCH,
    )
    PresenceSpan.objects.bulk_create(
        [
            PresenceSpan(agent=agent, status=Presence.Status.AVAILABLE, started_at=since)
            for agent, since in zip(made, came, strict=True)
        ],
        batch_size=BATCH,
    )


def make_sessions(made: Sequence[Agent]) -> list[str]:
    """Create a logged-in session for each agent."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    expires = clock.now() + timedelta(hours=12)
    rows = [
        Session(
            session_key=get_random_string(32).lower(),
            session_data=store.encode(
                {
                    SESSION_KEY: str(agent.user_id),
                    BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                    HASH_SESSION_KEY: agent.user.get_session_auth_hash(),
                }
            ),
            expire_date=expires,
        )
        for agent in made
    ]
    return [row.session_key for row in Session.objects.bulk_create(rows, batch_size=BATCH)]


def make_tickets(
    client: Client,
    count: int,
    *,
    languages: Sequence[str],
    skills: Sequence[str],
    at: datetime,
    chance: Random,
) -> None:
    """Create waiting tickets with a language each; seven in ten also require a skill."""
    Ticket.objects.bulk_create(
        [
            _ticket(client, chance.choice(languages), _needs(skills, chance), at=at, chance=chance)
            for _ in range(count)
        ],
        batch_size=BATCH,
    )


def _needs(skills: Sequence[str], chance: Random) -> dict[str, int]:
    return {chance.choice(skills): 2} if chance.random() < 0.7 else {}


def _ticket(
    client: Client, language: str, needs: dict[str, int], *, at: datetime, chance: Random
) -> Ticket:
    queued_at = at - timedelta(seconds=chance.uniform(0, WAITED))
    return Ticket(
        client=client,
        conversation_ref=f"{chance.getrandbits(64):x}",
        customer_ref="u-1",
        customer_name="Mia K.",
        language=language,
        topic="card-not-arrived",
        skills=needs,
        lane=build_lane(language, needs),
        queued_at=queued_at,
        due_at=queued_at + client.answer_within,
        give_up_at=at + timedelta(hours=1),
    )
