"""How long things are kept: a table of rules, a daily job, and a dry run (PRIV-05).

A room registers a rule under a name of `settings.RETENTION`: what is over at a moment, and how it is removed. Issued
records, the audit trail and the disclosure log have no rule, so that nothing here can reach them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Invitation
from apps.institution import audit, erasing, files
from apps.jobs import running
from apps.jobs.models import IdempotencyKey, Job, OutboxEntry

KIND = "retention"
Remove = Callable[[datetime, bool], int]
"""Removes what is older than the moment and gives how many; with True it only counts."""
RULES: dict[str, Remove] = {}


@dataclass(frozen=True, slots=True)
class Purged:
    """What a rule removed, or would remove."""

    name: str
    days: int
    count: int


def rule(name: str) -> Callable[[Remove], Remove]:
    """Registers what is removed under a name of the table in the settings."""

    def register(remove: Remove) -> Remove:
        RULES[name] = remove
        return remove

    return register


def purge(*, dry_run: bool, now: datetime | None = None) -> list[Purged]:
    """Removes what is older than it is kept, rule by rule, each wholly or not; gives what went."""
    moment = now or timezone.now()
    done = []
    for name, remove in RULES.items():
        days = settings.RETENTION[name]
        with transaction.atomic():
            count = remove(moment - timedelta(days=days), dry_run)
            if count and not dry_run:
                audit.record("retention.purged", None, rule=name, days=days, count=count)
        done.append(Purged(name, days, count))
    return done


@running.kind(KIND)
def run(job: Job, progress: running.Progress) -> None:
    """The daily job."""
    for purged in purge(dry_run=False):
        progress.update(**{purged.name: purged.count})


def daily() -> None:
    """Starts the job once a day, and erases anew whoever an older database brought back."""
    erasing.apply_journal()
    nonce = f"{KIND}-{timezone.now():%Y-%m-%d}"
    if not Job.objects.filter(nonce=nonce).exists():
        running.start(KIND, _("Removing what is not kept any longer"), nonce=nonce)


running.DISPATCHERS.append(daily)


def rows(found: "models.QuerySet[models.Model]", dry_run: bool) -> int:
    """Counts the rows, and deletes them unless it is a dry run."""
    return found.count() if dry_run else found.delete()[1].get(found.model._meta.label, 0)


@rule("sessions")
def sessions(before: datetime, dry_run: bool) -> int:
    """Sessions that ended."""
    return rows(Session.objects.filter(expire_date__lt=before), dry_run)


@rule("requests")
def requests(before: datetime, dry_run: bool) -> int:
    """Answers kept for requests that come twice."""
    return rows(IdempotencyKey.objects.filter(created_at__lt=before), dry_run)


@rule("letters")
def letters(before: datetime, dry_run: bool) -> int:
    """Notices that were sent or given up; what they told of stands elsewhere."""
    over = models.Q(sent_at__lt=before) | models.Q(failed_at__lt=before)
    return rows(OutboxEntry.objects.filter(over).exclude(kind="record-issued"), dry_run)


@rule("jobs")
def jobs(before: datetime, dry_run: bool) -> int:
    """Background work that has ended."""
    return rows(Job.objects.filter(ended_at__lt=before), dry_run)


@rule("invitations")
def invitations(before: datetime, dry_run: bool) -> int:
    """Links that were used, withdrawn, or are over."""
    return rows(Invitation.objects.filter(expires_at__lt=before), dry_run)


@rule("unnamed_files")
def unnamed_files(before: datetime, dry_run: bool) -> int:
    """Files of the store that no row names (REL-22)."""
    age = (timezone.now() - before).total_seconds()
    return files.sweep(named_files(), older_than=age, dry_run=dry_run)


def named_files() -> set[str]:
    """Every digest that any row of any room names: a file is unnamed only when nobody at all knows it."""
    found: set[str] = set()
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField) and "digest" in field.name and field.max_length == 64:
                column = model._default_manager.exclude(**{field.name: ""}).values_list(field.name, flat=True)
                found.update(value for value in column.iterator(5000) if value)
    return found
