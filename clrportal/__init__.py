"""The project: settings, address table, worker."""

from clrportal.celery import app as celery_app

__all__ = ["celery_app"]
