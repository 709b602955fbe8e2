"""The wait a customer is told."""

from datetime import datetime

from dispatch.waits import estimator_cache
from tickets.models import Ticket
from tickets.queue import Wait

NO_RATE_CARD = "no_rate_card"


def estimate(ticket: Ticket, *, at: datetime) -> Wait:
    """What this ticket's customer can be told now, be it in line already or about to be."""
    here = estimator_cache.estimator(at=at)
    if ticket.client.slug not in here.snapshot.minutes:
        return Wait(unknown=NO_RATE_CARD)
    if ticket.offered:
        return here.time_to_accept
    own, turn_at = (
        here.snapshot.duration_for(ticket.client.slug, ticket.topic),
        here.snapshot.turn_at(ticket),
    )
    told = here.estimate(ticket.lane, own, turn_at=turn_at)
    for seconds, lane in here.snapshot.lowered(ticket, at=at):
        if told.p50 is not None and told.p50 <= seconds:
            break
        told = _sooner(told, here.estimate(lane, own, turn_at=turn_at), seconds=seconds)
    return told


def _sooner(told: Wait, lowered: Wait, *, seconds: int) -> Wait:
    """Where more can help once less is asked for, in so many seconds."""
    if lowered.p50 is None or lowered.p90 is None:
        return told
    half, most = seconds + lowered.p50, seconds + lowered.p90
    if told.p50 is None or told.p90 is None:
        return Wait(half, most)
    return Wait(min(told.p50, half), min(told.p90, most))
