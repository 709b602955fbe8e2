"""The installation: settings, URLs, servers, the Celery app. Imports the apps; none imports it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
