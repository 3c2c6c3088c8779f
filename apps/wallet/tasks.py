"""The tasks of the wallet that workers find by name; the database says what is due."""

import logging

from celery import shared_task

from apps.jobs.running import DISPATCHERS
from apps.wallet import refreshing

log = logging.getLogger(__name__)


@shared_task(name="wallet.check_due")
def check_due() -> int:
    """Checks again what was not checked for a day; gives how many."""
    return refreshing.check_due()


def dispatch() -> None:
    """Tells a worker that something is due; the next round finds what a lost message left."""
    if not refreshing.due().exists():
        return
    try:
        check_due.apply_async(retry=False)
    except Exception as fault:  # noqa: BLE001  any transport's own error: the next round asks again
        log.warning("The broker did not take a message: %s", type(fault).__name__)


DISPATCHERS.append(dispatch)
