"""Receivers of the signals of agents and tickets. They call dispatch, or wake tasks on commit."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.dispatch import receiver

from agents.models import Agent
from agents.signals import agent_available, agent_gone
from dispatch import assignments, offers, ratings
from dispatch.models import Assignment
from dispatch.realtime import notifier, push
from dispatch.tasks import SHARDS, get_wake_signal, run_until_idle, run_waves
from dispatch.waits import estimates, estimator_cache
from tickets.models import Message, Review, Ticket
from tickets.queue import Wait
from tickets.signals import (
    message_added,
    ticket_closed,
    ticket_queued,
    ticket_reviewed,
    wait_asked,
    webhook_queued,
)
from tickets.tasks import deliver_webhooks


@receiver(ticket_queued)
@receiver(agent_available)
def request_wave(**_: Any) -> None:
    transaction.on_commit(wake_matchers, robust=True)


def wake_matchers() -> None:
    for shard in SHARDS:
        notifier.wake(get_wake_signal(shard), run_waves.s(*shard), partial(run_until_idle, shard))


@receiver(webhook_queued)
def request_delivery(**_: Any) -> None:
    transaction.on_commit(lambda: notifier.enqueue(deliver_webhooks), robust=True)


@receiver(ticket_closed)
def release_agent(ticket: Ticket, at: datetime, **_: Any) -> None:
    offers.withdraw_for(ticket, at=at)
    assignments.end_for(ticket, at=at)


@receiver(agent_gone)
def release_gone_agents(agent_ids: Iterable[UUID], at: datetime, **_: Any) -> None:
    """Release after commit, because tickets must be locked before agents.

    The sender of the signal holds the lock on the agent.
    """

    def release() -> None:
        for agent in Agent.objects.filter(pk__in=agent_ids):
            offers.withdraw_from(agent, at=at)
            assignments.release_all(agent, at=at)

    transaction.on_commit(release, robust=True)


@receiver(message_added)
def show_message(ticket: Ticket, message: Message, **_: Any) -> None:
    holders = Assignment.objects.talking().filter(ticket=ticket)
    push.changed(*holders.values_list("agent_id", flat=True))


@receiver(wait_asked)
def estimate_wait(ticket: Ticket, at: datetime, **_: Any) -> Wait:
    return estimates.estimate(ticket, at=at)


@receiver(ticket_queued)
def add_waiting(ticket: Ticket, **_: Any) -> None:
    estimator_cache.add(ticket)


@receiver(ticket_reviewed)
def count_review(ticket: Ticket, review: Review, **_: Any) -> None:
    ratings.add(ticket, review)
