"""The Celery app. Its queues carry hints only: what is due is always found again in PostgreSQL."""

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
    """Celery would set up its own; Django has set up ours."""


@task_prerun.connect
def name_task(task_id: str, **_: Any) -> None:
    """What a task logs carries its id."""
    clear_contextvars()
    bind_contextvars(task=task_id)


@worker_ready.connect
def settle(**_: Any) -> None:
    """All is loaded."""
    garbage_collection.freeze()
