"""A task for each escalation, as in tutorials."""

import os

from asgiref.sync import async_to_sync
from celery import Celery
from channels.layers import get_channel_layer
from django.db import transaction

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.naive.settings")

app = Celery("naive")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="naive.match")
def match(ticket_id: int) -> None:
    from benchmarks.naive.models import Agent, Offer, Ticket

    with transaction.atomic():
        ticket = Ticket.objects.select_for_update().get(pk=ticket_id)
        free = Agent.objects.filter(online=True, language=ticket.language)
        agent = free.select_for_update(skip_locked=True).order_by("load", "last_at").first()
        if agent is None:
            return
        offer = Offer.objects.create(ticket=ticket, agent=agent)
        agent.load += 1
        agent.save()
        ticket.status = "offered"
        ticket.save()
    frame = {"type": "offer", "offer": offer.pk, "ticket": ticket.pk}
    async_to_sync(get_channel_layer().group_send)(f"agent_{agent.pk}", frame)
