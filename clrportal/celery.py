"""The background worker: one Celery application, configured from the settings."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clrportal.settings")
app = Celery("clrportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
