"""The background worker: one Celery application, configured from the settings."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clrportal.settings")
app = Celery("clrportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def refuse_unsafe_start(**_: Any) -> None:
    """In production a worker starts only when everything is safe (SEC-62)."""
    from apps.accounts import production

    production.refuse_unsafe_start()
