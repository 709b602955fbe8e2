"""A busy platform in a short time: waves over a varied pool, for many kinds of decisions.

Every input of a decision varies: languages, skills and their levels, certificates, prior contacts,
passes, time-outs, relaxations, several tickets and agents a wave, policy versions.
"""

import random
from datetime import datetime, timedelta

from agents.models import Agent, AgentCertificate, Presence
from dispatch import affinity, assignments, offers, policies
from dispatch.models import Decision, Offer, PolicyVersion
from dispatch.waves import wave
from tests import factories
from tickets import clock
from tickets.models import Client, Ticket

LANGUAGES = ["en", "fr", "de", "sv"]
SKILLS = ["cards", "payments", "accounts"]
WEIGHTS = [
    "language",
    "skill",
    "scarce",
    "no_prior_contact",
    "quality",
    "idle",
    "workload_today",
    "asked_before",
]


def make_decisions(*, count: int, seed: int = 7) -> None:
    """Run until this many decisions are stored."""
    draw = random.Random(seed)
    clients = [_make_client("nordbank"), _make_client("sudbank", certificate="kyc")]
    agents = [_make_agent(number, draw) for number in range(24)]
    at = clock.now()
    while (made := Decision.objects.count()) < count:
        at += timedelta(seconds=draw.randint(1, 20))
        _make_all_available(at)
        for _ in range(draw.choice([1, 1, 1, 2, 4])):
            _escalate(draw.choice(clients), draw, at=at)
        wave.reopen_hesitant(at=at)
        wave.lower_levels(at=at)
        wave.run(at=at)
        _answer(draw, at=at)
        if draw.random() < 0.05:
            _block_agent(draw.choice(agents), draw, at=at)
        if made * 8 // count >= PolicyVersion.objects.count():
            _change_policy(draw, at=at)


def _make_client(slug: str, **given: str) -> Client:
    client = factories.make_client(slug, **given)
    factories.make_card(client)
    return client


def _make_agent(number: int, draw: random.Random) -> Agent:
    spoken = draw.sample(LANGUAGES, draw.randint(1, 3))
    known = draw.sample(SKILLS, draw.randint(0, 3))
    agent = factories.make_agent(
        f"Agent {number}",
        languages={code: draw.randint(1, 5) for code in spoken},
        skills={code: draw.randint(1, 5) for code in known},
        capacity=draw.randint(1, 3),
    )
    if draw.random() < 0.4:
        AgentCertificate.objects.create(agent=agent, code="kyc")
    return agent


def _make_all_available(at: datetime) -> None:
    """Make all agents available, including those paused by unanswered offers."""
    Presence.objects.update(seen_at=at, status="available")


def _escalate(client: Client, draw: random.Random, *, at: datetime) -> None:
    asked = draw.sample(SKILLS, draw.choice([0, 0, 1, 1, 2]))
    factories.make_ticket(
        client,
        at=at - timedelta(seconds=draw.randint(0, 100)),
        language=draw.choice(LANGUAGES),
        skills=[
            {"code": code, "level": draw.randint(1, 4), "gives_way": draw.random() < 0.3}
            for code in asked
        ],
        urgency=draw.choice(["low", "normal", "normal", "high"]),
        customer={"ref": f"customer-{draw.randint(1, 30)}", "name": "Mia"},
    )


def _answer(draw: random.Random, *, at: datetime) -> None:
    """Some agents accept and finish, some decline or pass for now, some let the time run out."""
    for offer in Offer.objects.pending().select_related("ticket", "agent"):
        kind = draw.random()
        if kind < 0.55:
            _finish(offer, at=at)
        elif kind < 0.8:
            offers.decline(offer, because=draw.choice(["", "not_now"]), at=at)
        elif kind < 0.9:
            shown = at - timedelta(minutes=2)
            late = Offer.objects.pending().filter(pk=offer.pk)
            late.update(status="shown", shown_at=shown, expires_at=clock.now())
    offers.expire_overdue(at=at)


def _finish(offer: Offer, *, at: datetime) -> None:
    if not Offer.objects.pending().filter(pk=offer.pk).exists():
        return
    work = offers.accept(offer, at=at)
    assignments.resolve(work, disposition="solved", at=at)
    assignments.finish(work, at=at)


def _block_agent(agent: Agent, draw: random.Random, *, at: datetime) -> None:
    waiting = list(Ticket.objects.queued()[:5])
    if waiting:
        affinity.block(agent, draw.choice(waiting), at=at)


def _change_policy(draw: random.Random, *, at: datetime) -> None:
    draft = PolicyVersion.objects.order_by("-version")[0]
    draft.note, draft.valid_from = "Weights drawn anew", at
    draft.lower_levels_at = [draw.choice([100, 130]), 270]
    for name in WEIGHTS:
        setattr(draft, name, draw.randint(0, 100))
    policies.publish(draft, at=at)
