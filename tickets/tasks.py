"""Celery's part of demand: sending the news. A hint, for the scheduler sends what it does not."""

from celery import shared_task

from tickets.events import outbox


@shared_task(ignore_result=True, expires=30)
def deliver_webhooks() -> None:
    outbox.deliver_due()
