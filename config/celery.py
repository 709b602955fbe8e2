"""The Celery app. Its queues carry hints only: a lost task does no harm, because the scheduler
finds due work in PostgreSQL."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_prerun, worker_ready
from structlog.contextvars import bind_contextvars, clear_contextvars

from config import garbage_collection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("releve")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logs(**_: Any) -> None:
    """Keep Django's logging configuration, because Celery would install its own."""


@task_prerun.connect
def name_task(task_id: str, **_: Any) -> None:
    """Bind the task's id to its log lines."""
    clear_contextvars()
    bind_contextvars(task=task_id)


@worker_ready.connect
def freeze_heap(**_: Any) -> None:
    """Freeze the heap, because everything is loaded by now."""
    garbage_collection.freeze()
