"""Fixtures: what an operator creates before the load starts. A client with its key and its webhook,
and agents with logins. Created again, existing rows are used again."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction

from agents import roster
from agents.models import RateCard, User
from tickets import auth
from tickets.models import Client, Skill, WebhookEndpoint

SKILLS = {"cards": "Cards", "payments": "Payments", "accounts": "Accounts", "technical": "App"}
NAMES = (
    "Nora", "Paul", "Sofia", "Yusuf", "Lina", "Marek", "Chloé", "Hugo", "Aiko", "Samir", "Freja",
    "Tomás", "Olga", "Kofi", "Ewa", "Milan",
)  # fmt: skip
KEY_NAME = "Load"


@dataclass(frozen=True)
class Fixtures:
    """The identities and secrets of the actors."""

    client: str
    api_key: str
    endpoint: UUID
    webhook_secret: str
    password: str
    #: Login and languages of each agent.
    agents: list[tuple[str, tuple[str, ...]]]


@transaction.atomic
def create(
    slug: str,
    *,
    agents: int,
    languages: tuple[str, ...],
    patience: timedelta,
    wrap_up: timedelta,
    at: datetime,
) -> Fixtures:
    """`slug`: the client's code, which also begins the agents' logins. `patience`, `wrap_up`: the
    client's. Keys of an earlier load are revoked and its passwords replaced."""
    client, _new = Client.objects.update_or_create(
        slug=slug, defaults={"name": slug.title(), "patience": patience, "wrap_up": wrap_up}
    )
    for code, name in SKILLS.items():
        Skill.objects.get_or_create(code=code, defaults={"name": name})
    _rate_card(slug, at=at)
    password = secrets.token_urlsafe(18)
    made = _agents(slug, agents, languages, password=password)
    for key in client.api_keys.filter(name=KEY_NAME, revoked_at=None):
        auth.revoke(key, at=at)
    endpoint, _new = WebhookEndpoint.objects.get_or_create(
        client=client, defaults={"url": "http://127.0.0.1:9/"}
    )
    return Fixtures(
        client=slug,
        api_key=auth.issue(client, name=KEY_NAME),
        endpoint=endpoint.pk,
        webhook_secret=endpoint.secret,
        password=password,
        agents=made,
    )


def set_webhook_url(fixtures: Fixtures, url: str) -> None:
    """Send the client's webhooks to this address."""
    WebhookEndpoint.objects.filter(pk=fixtures.endpoint).update(url=url, disabled_at=None)


def _rate_card(slug: str, *, at: datetime) -> None:
    if not RateCard.objects.filter(client=slug).exists():
        RateCard.objects.create(
            client=slug,
            currency="EUR",
            per_ticket=140,
            per_minute="30",
            least=250,
            expected_minutes=6,
            valid_from=at - timedelta(days=1),
        )


def _agents(
    slug: str, count: int, languages: tuple[str, ...], *, password: str
) -> list[tuple[str, tuple[str, ...]]]:
    """Every third speaks two languages and has two places; each knows two skills."""
    hashed = make_password(password)
    skills = sorted(SKILLS)
    made: list[tuple[str, tuple[str, ...]]] = []
    for number in range(count):
        login = f"{slug}-{number + 1}"
        user, new = User.objects.get_or_create(username=login)
        User.objects.filter(pk=user.pk).update(password=hashed, is_active=True)
        spoken: tuple[str, ...] = (languages[number % len(languages)],)
        if number % 3 == 0 and len(languages) > 1:
            spoken = (*spoken, languages[(number + 1) % len(languages)])
        if new:
            agent = roster.invite(
                user,
                name=NAMES[number % len(NAMES)],
                languages=dict.fromkeys(spoken, 5),
                skills={skills[number % 4]: 4, skills[(number // 4 + 1) % 4]: 3},
                capacity=2 if number % 3 == 0 else 1,
            )
            roster.approve(agent)
        made.append((login, spoken))
    return made
