"""The tasks that Celery finds by name."""

from typing import Any

from celery.signals import worker_ready

from apps.jobs import stopping
from apps.jobs.outbox import send_outbox
from apps.jobs.running import dispatch, run_job

__all__ = ["dispatch", "run_job", "send_outbox", "stopping"]


@worker_ready.connect
def look_for_work(**_: Any) -> None:
    """A worker that starts asks the database what is due (REL-06)."""
    dispatch.delay()
