"""The tasks that workers find by name; the database says what is due, a message only that something is (REL-06)."""

import logging
import time
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.institution import audit, keys
from apps.issuance import printing, signing
from apps.jobs import stopping
from apps.jobs.running import DISPATCHERS

log = logging.getLogger(__name__)

TURN_SECONDS = 45.0
"""A task ends its turn well within lease and visibility time (REL-07)."""
CHECKPOINT_EVERY = timedelta(days=1)


@shared_task(name="issuance.sign_due")
def sign_due() -> int:
    """Signs what is due, chunk by chunk; gives how many were issued."""
    issued, begin = 0, time.monotonic()
    while not stopping.is_asked():
        try:
            done = signing.issue_due()
        except signing.SigningClosed as closed:
            log.error("Nothing is signed: %s", closed)
            return issued
        issued += done.issued
        if not done.total:
            return issued
        if time.monotonic() - begin > TURN_SECONDS:
            signing.announce(1)
            return issued
    return issued


@shared_task(name="issuance.render_due")
def render_due() -> int:
    """Renders what is due, one record after the other; gives how many."""
    made, begin = 0, time.monotonic()
    while not stopping.is_asked() and printing.render_due():
        made += 1
        if time.monotonic() - begin > TURN_SECONDS:
            printing.announce()
            break
    return made


def dispatch() -> None:
    """Finds work whose message was lost, and writes the daily checkpoint (REL-06, REL-18)."""
    if signing.due().exists():
        signing.announce()
    if printing.is_due():
        printing.announce()
    newest = audit.newest_checkpoint_time()
    if newest is None or newest < timezone.now() - CHECKPOINT_EVERY:
        try:
            keys.checkpoint()
        except keys.KekUnavailable as fault:
            log.error("No checkpoint was written: %s", fault)


DISPATCHERS.append(dispatch)
