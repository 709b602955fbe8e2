"""The Celery app. Its queues carry hints only: what is due is always found again in PostgreSQL."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("releve")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
