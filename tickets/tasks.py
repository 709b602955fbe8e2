"""Celery tasks of demand. A lost task costs only time: the scheduler sends what is due."""

from celery import shared_task

from tickets.events import outbox


@shared_task(ignore_result=True, expires=30)
def deliver_webhooks() -> None:
    outbox.deliver_due()
