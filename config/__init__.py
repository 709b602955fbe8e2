"""The installation: settings, URLs, servers and the Celery app. Imports the apps; no app imports it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
