"""Telling people, once, after what it is about has been stored (REL-09).

A room writes an entry in its own transaction with `put`, and names how such a notice is made with `@sender`.
Each mail carries a fixed Message-ID, so that a repeat after a crash can be recognised.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from celery import shared_task
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.jobs import clock, stopping
from apps.jobs.models import OutboxEntry
from apps.jobs.running import DISPATCHERS
from apps.network import health

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=5)
"""Before the second attempt; each further wait is four times as long, the last one well over an hour."""
LONGEST_WAIT = timedelta(minutes=5)
"""How long a due notice may lie untried before the portal says that it is not ready (REL-29)."""

Compose = Callable[[OutboxEntry], EmailMultiAlternatives | None]
SENDERS: dict[str, Compose] = {}


def sender(kind: str) -> Callable[[Compose], Compose]:
    """Names how a kind of notice becomes a mail; None means that nothing needs to be told any more."""

    def register(compose: Compose) -> Compose:
        SENDERS[kind] = compose
        return compose

    return register


def take_over(kind: str, compose: Callable[[str, str, dict[str, Any]], EmailMultiAlternatives | None]) -> None:
    """Registers a kind of letter of a room below, which knows the notice's ids and arguments but not its row."""
    SENDERS[kind] = lambda entry: compose(entry.subject_id, entry.recipient_id, entry.arguments)


def put(kind: str, subject_id: Any, recipient_id: Any, **arguments: Any) -> None:
    """Notes that somebody must be told; within the transaction that makes it true. A second time changes nothing."""
    put_many([(kind, subject_id, recipient_id, arguments)])


def put_many(notices: list[tuple[str, Any, Any, dict[str, Any]]]) -> None:
    """Notes several at once with one statement."""
    OutboxEntry.objects.bulk_create(
        [
            OutboxEntry(kind=kind, subject_id=str(subject), recipient_id=str(recipient), arguments=arguments)
            for kind, subject, recipient, arguments in notices
        ],
        ignore_conflicts=True,
    )
    transaction.on_commit(wake)


def wake() -> None:
    """Tells the worker that there is mail."""
    try:
        send_outbox.apply_async(queue="mail", retry=False)
    except Exception as fault:  # noqa: BLE001  any transport's own error: the dispatcher will find the rows
        log.warning("The broker did not take a message: %s", type(fault).__name__)


def message_id(entry: OutboxEntry) -> str:
    """The same for each attempt at the same notice."""
    return f"<{entry.public_id}@{urlsplit(settings.BASE_URL).hostname}>"


@shared_task(name="jobs.send_outbox")
def send_outbox(limit: int = 500) -> int:
    """Sends what is due, each claimed on its own; gives how many went out."""
    sent = 0
    for _ in range(limit):
        if stopping.is_asked():
            break
        moment = clock.now()
        waiting = OutboxEntry.objects.filter(
            Q(lease_until=None) | clock.has_ended(moment, LEASE),
            sent_at=None,
            failed_at=None,
            due_at__lte=timezone.now(),
        )
        entry = waiting.order_by("due_at").first()
        if entry is None:
            break
        if not waiting.filter(pk=entry.pk, attempt=entry.attempt).update(
            lease_until=moment + LEASE, attempt=entry.attempt + 1
        ):
            continue
        sent += send_one(entry)
    return sent


def send_one(entry: OutboxEntry) -> bool:
    """Sends one notice and marks it after acceptance; a failure is tried again later, at last given up."""
    mine = OutboxEntry.objects.filter(pk=entry.pk)
    try:
        mail = SENDERS[entry.kind](entry) if entry.kind in SENDERS else None
        if mail is not None:
            mail.extra_headers["Message-ID"] = message_id(entry)
            mail.send()
    except Exception as fault:  # noqa: BLE001  whatever the mail server or the notice's maker raised: try again later
        attempt = entry.attempt + 1
        log.warning("Notice %s was not sent: %s", entry.public_id, type(fault).__name__)
        mine.update(
            error=type(fault).__name__,
            due_at=timezone.now() + FIRST_WAIT * 4 ** (attempt - 1),
            failed_at=timezone.now() if attempt >= MAX_ATTEMPTS else None,
            lease_until=None,
        )
        return False
    mine.update(sent_at=timezone.now(), error="", lease_until=None)
    return mail is not None


def is_being_emptied() -> bool:
    """Whether no due notice has lain untried for five minutes (REL-29).

    A broker that is away explains the waiting; it has a check of its own, by which the portal is degraded, not down.
    """
    since = timezone.now() - LONGEST_WAIT
    if not OutboxEntry.objects.filter(sent_at=None, failed_at=None, attempt=0, due_at__lt=since).exists():
        return True
    try:
        return not health.broker_answers()
    except Exception:  # noqa: BLE001  any transport's own error
        return True


def _due() -> None:
    if OutboxEntry.objects.filter(sent_at=None, failed_at=None, due_at__lte=timezone.now()).exists():
        wake()


DISPATCHERS.append(_due)
