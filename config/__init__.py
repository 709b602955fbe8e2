"""The installation: settings, URLs, servers, the Celery app. It imports the apps; no app imports
it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
